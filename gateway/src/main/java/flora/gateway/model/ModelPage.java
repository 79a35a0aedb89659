package flora.gateway.model;

import flora.gateway.page.PageRequest;
import flora.hub.RepoType;
import flora.hub.archive.KeptRepo;
import flora.hub.archive.Ref;
import flora.schemas.RepoId;
import flora.schemas.fetch.RepoManifest;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One page of repositories, by kind and id.
 *
 * @param object always {@code list}
 * @param data the repositories
 * @param hasMore whether others follow
 * @param nextCursor where the next page begins; null on the last one
 */
record ModelPage(String object, List<Model> data, boolean hasMore, @Nullable String nextCursor) {

  /**
   * A repository.
   *
   * @param object always {@code model}
   * @param type {@code model} or {@code dataset}
   * @param commits that lie in the store, the last used first
   * @param bytes of their files; what several commits share counts once
   * @param pinsNotFetched revisions that are pinned and not here yet
   */
  record Model(
      String object,
      String type,
      RepoId repo,
      List<Commit> commits,
      long bytes,
      List<String> pinsNotFetched) {}

  /**
   * A commit.
   *
   * @param revisions branches and tags that stood for it when they were last fetched
   * @param files how many
   * @param bytes of all files
   * @param fetchedAt when the last of them came
   * @param lastUsedAt when a run last wanted it
   * @param pinned whether it stays whatever a clean-up makes room for
   */
  record Commit(
      String commit,
      List<String> revisions,
      int files,
      long bytes,
      @Nullable Instant fetchedAt,
      Instant lastUsedAt,
      boolean pinned) {}

  /** Cuts a page out of all repositories. */
  static ModelPage of(Collection<KeptRepo> repos, PageRequest request) {
    var page =
        request.cut(
            repos.stream().filter(repo -> !repo.snapshots().isEmpty() || !repo.pins().isEmpty()),
            ModelPage::place,
            Comparator.naturalOrder());
    var data = page.data().stream().map(ModelPage::model).toList();
    return new ModelPage("list", data, page.hasMore(), page.nextCursor());
  }

  private static Model model(KeptRepo repo) {
    var commits =
        repo.snapshots().keySet().stream()
            .map(commit -> commit(repo, commit))
            .sorted(Comparator.comparing(Commit::lastUsedAt).reversed())
            .toList();
    long bytes =
        repo.snapshots().values().stream()
            .flatMap(snapshot -> snapshot.manifest().files().stream())
            .map(file -> new Bytes(file.sha256().hex(), file.size()))
            .distinct()
            .mapToLong(Bytes::size)
            .sum();
    return new Model("model", type(repo), repo.repo(), commits, bytes, repo.pinsNotFetched());
  }

  private record Bytes(String digest, long size) {}

  private static Commit commit(KeptRepo repo, String commit) {
    var snapshot = repo.snapshots().get(commit);
    var files = snapshot == null ? List.<RepoManifest.Entry>of() : snapshot.manifest().files();
    return new Commit(
        commit,
        repo.refs().stream()
            .filter(ref -> ref.commit().equals(commit))
            .map(Ref::revision)
            .sorted()
            .toList(),
        files.size(),
        files.stream().mapToLong(RepoManifest.Entry::size).sum(),
        files.stream()
            .map(RepoManifest.Entry::fetchedAt)
            .max(Comparator.naturalOrder())
            .orElse(null),
        repo.lastUsed(commit),
        repo.isPinned(commit));
  }

  private static String type(KeptRepo repo) {
    return repo.type().name().toLowerCase(Locale.ROOT);
  }

  private static String place(KeptRepo repo) {
    // models before data sets
    return (repo.type() == RepoType.MODEL ? "0/" : "1/") + repo.repo();
  }
}
