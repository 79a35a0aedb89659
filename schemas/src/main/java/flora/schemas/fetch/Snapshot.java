package flora.schemas.fetch;

import flora.schemas.RepoId;
import flora.schemas.store.ObjectRef;

/**
 * One commit of one repository, complete in the store.
 *
 * @param role what the run wants it for
 * @param repo the repository
 * @param revision what was asked for: a branch, tag or commit
 * @param commit what it was resolved to
 * @param manifest the list of its files, a {@link RepoManifest}
 */
public record Snapshot(
    RepoRole role, RepoId repo, String revision, String commit, ObjectRef manifest) {}
