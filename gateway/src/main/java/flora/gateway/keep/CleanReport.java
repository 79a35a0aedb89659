package flora.gateway.keep;

import flora.hub.RepoType;
import flora.hub.archive.Blob;
import flora.hub.archive.Ref;
import flora.schemas.RepoId;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a clean-up did, or would do.
 *
 * @param object always {@code clean_report}
 * @param dryRun whether nothing was touched
 * @param quota bytes that may stay; null = all
 * @param bytesBefore of all repositories
 * @param bytesAfter of all repositories
 * @param removed commits that are gone
 * @param kept commits that stay, and why
 * @param orphans blobs beside those, which nothing referred to
 * @param orphanBytes their size
 * @param leftBehind blobs that were to go and stay, since somebody wants or brings them right now
 */
record CleanReport(
    String object,
    boolean dryRun,
    @Nullable Long quota,
    long bytesBefore,
    long bytesAfter,
    List<Removed> removed,
    List<Kept> kept,
    int orphans,
    long orphanBytes,
    int leftBehind) {

  record Removed(
      String type,
      RepoId repo,
      String commit,
      List<String> revisions,
      Instant lastUsedAt,
      long bytes) {}

  record Kept(
      String type,
      RepoId repo,
      String commit,
      List<String> revisions,
      Instant lastUsedAt,
      long bytes,
      CleanPlan.Reason reason) {}

  /** Of a plan that nobody carries out. */
  static CleanReport planned(CleanPlan plan, @Nullable Long quota) {
    return new CleanReport(
        "clean_report",
        true,
        quota,
        plan.before(),
        plan.after(),
        plan.goes().stream().map(CleanReport::removed).toList(),
        plan.stays().stream().map(CleanReport::kept).toList(),
        plan.orphans().size(),
        plan.orphans().stream().mapToLong(Blob::size).sum(),
        0);
  }

  static Removed removed(CleanPlan.Going going) {
    return new Removed(
        word(going.repo().type()),
        going.repo().repo(),
        going.commit(),
        revisions(going.repo().refs(), going.commit()),
        going.lastUsed(),
        going.bytes());
  }

  static Kept kept(CleanPlan.Staying staying) {
    return new Kept(
        word(staying.repo().type()),
        staying.repo().repo(),
        staying.commit(),
        revisions(staying.repo().refs(), staying.commit()),
        staying.lastUsed(),
        staying.bytes(),
        staying.reason());
  }

  static Kept stayed(CleanPlan.Going going) {
    return kept(
        new CleanPlan.Staying(
            going.repo(),
            going.commit(),
            going.lastUsed(),
            going.bytes(),
            CleanPlan.Reason.RECENTLY_USED));
  }

  private static List<String> revisions(List<Ref> refs, String commit) {
    return refs.stream()
        .filter(ref -> ref.commit().equals(commit))
        .map(Ref::revision)
        .sorted()
        .toList();
  }

  private static String word(RepoType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }
}
