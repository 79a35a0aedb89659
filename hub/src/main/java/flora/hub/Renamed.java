package flora.hub;

import flora.schemas.RepoId;

/**
 * A repository is had under another name than the one asked for.
 *
 * @param requested the name that was asked for
 * @param repo the name that is used
 * @param reason who says so, in words
 */
public record Renamed(RepoId requested, RepoId repo, String reason) {}
