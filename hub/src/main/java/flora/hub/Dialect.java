package flora.hub;

import flora.schemas.RepoId;
import java.util.Comparator;
import java.util.List;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * What a place speaks: how its lists are asked for, where its files are, what its refusals mean.
 */
sealed interface Dialect permits HuggingFaceApi, ModelScopeApi, StaticFiles {

  /**
   * Resolves a revision to its commit and lists all files of that commit.
   *
   * @param quick whether the first page is asked for once only and for three seconds
   * @throws HubException also when the place has no lists
   */
  RepoListing listing(RepoType type, RepoId repo, String revision, boolean quick)
      throws InterruptedException;

  /** What the revision stands for now, in one request that is not tried again. */
  String commit(RepoType type, RepoId repo, String revision) throws InterruptedException;

  /** The address of a file of a commit. */
  HttpUrl file(RepoType type, RepoId repo, String commit, String path);

  /**
   * What an answer that is no success means.
   *
   * @param path of the file that was asked for; null for a page
   */
  HubException failure(
      HubHttp.Answer answer, RepoType type, RepoId repo, String revision, @Nullable String path);

  /** Files in path order, each with a size, none of which leaves its repository. */
  static List<HubFile> checked(String who, List<HubFile> files) {
    for (var file : files) {
      if (file.size() < 0) {
        throw new HubException.Protocol(who, "its tree has no size for " + file.path());
      }
      for (var segment : file.path().split("/", -1)) {
        if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
          throw new HubException.Protocol(who, "its tree holds an impossible path");
        }
      }
    }
    return files.stream().sorted(Comparator.comparing(HubFile::path)).toList();
  }
}
