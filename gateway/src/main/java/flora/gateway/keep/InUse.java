package flora.gateway.keep;

import flora.hub.RepoType;
import flora.hub.archive.Blob;
import flora.schemas.RepoId;
import java.util.Map;
import java.util.Set;

/**
 * What runs need.
 *
 * @param repos repositories that runs are after, whichever commit it will be
 * @param commits commits that runs have fetched and work with
 * @param blobs the files of those, and the runs' own lists of them
 * @param lists for commits that ended runs have fetched: the runs' own lists of files
 * @param labelling whether a run looks at pictures, which may lie in the store already
 */
record InUse(
    Set<Repo> repos,
    Set<Commit> commits,
    Set<Blob.Id> blobs,
    Map<Commit, Set<Blob.Id>> lists,
    boolean labelling) {

  InUse {
    repos = Set.copyOf(repos);
    commits = Set.copyOf(commits);
    blobs = Set.copyOf(blobs);
    lists = Map.copyOf(lists);
  }

  /** A repository of a kind. */
  record Repo(RepoType type, RepoId id) {}

  /** A commit of a repository. */
  record Commit(Repo repo, String commit) {}
}
