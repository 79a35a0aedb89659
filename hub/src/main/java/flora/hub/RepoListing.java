package flora.hub;

import flora.schemas.RepoId;
import java.util.List;
import java.util.Optional;

/**
 * One commit of a repository and all its files.
 *
 * @param type kind of repository
 * @param repo its id
 * @param revision what was asked for: a branch, tag or commit
 * @param commit what it stood for when asked
 * @param files in path order
 */
public record RepoListing(
    RepoType type, RepoId repo, String revision, String commit, List<HubFile> files) {

  public RepoListing {
    files = List.copyOf(files);
  }

  /** The file at a path. */
  public Optional<HubFile> file(String path) {
    return files.stream().filter(f -> f.path().equals(path)).findFirst();
  }

  /** Under another name. */
  public RepoListing named(RepoId other) {
    return new RepoListing(type, other, revision, commit, files);
  }

  /** With these files alone. */
  public RepoListing with(List<HubFile> some) {
    return new RepoListing(type, repo, revision, commit, some);
  }
}
