package flora.hub.plan;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.schemas.fetch.RepoRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Which files of a repository a run gets.
 *
 * @param role what the run wants the repository for
 * @param listing the commit
 * @param files what to get, in path order
 * @param warnings what somebody should know about the choice
 */
public record DownloadPlan(
    RepoRole role, RepoListing listing, List<HubFile> files, List<String> warnings) {

  private static final Pattern ARCHIVE =
      Pattern.compile(".*\\.(parquet|arrow|zip|tar|tar\\.gz|tgz)");

  public DownloadPlan {
    files = List.copyOf(files);
    warnings = List.copyOf(warnings);
  }

  /** Bytes of all files. */
  public long bytes() {
    return files.stream().mapToLong(HubFile::size).sum();
  }

  /**
   * Plans: what is needed, or with {@code allow_patterns} what matches them; in both cases less
   * what {@code ignore_patterns} match. Nothing is read but the documents.
   *
   * @param used whether a later stage works with it; without, gaps are warnings
   * @throws PlanException when something needed is not there or kept out
   */
  public static DownloadPlan of(
      RepoRole role, RepoListing listing, Patterns patterns, boolean used, Documents documents)
      throws InterruptedException {
    var found = Need.of(role, listing, patterns::admit, documents);
    var warnings = new ArrayList<>(found.notes());
    var paths = new TreeSet<>(found.paths());
    if (!found.isComplete()) {
      var whole = Need.of(role, listing, path -> true, documents);
      var problem = problem(role, listing, patterns, whole);
      if (used) {
        throw problem;
      }
      var message = problem.getMessage();
      warnings.add(message == null ? problem.code().name() : message);
      found.pickles().stream().filter(patterns::admit).forEach(paths::add);
    }
    if (patterns.choose()) {
      paths.clear();
      listing.files().stream().map(HubFile::path).filter(patterns::admit).forEach(paths::add);
    }
    var files = listing.files().stream().filter(file -> paths.contains(file.path())).toList();
    if (listing.files().isEmpty()) {
      throw new PlanException.Incomplete(listing.repo(), "the repository", "files");
    }
    if (files.isEmpty()) {
      throw new PlanException.FilteredOut(listing.repo(), Set.of("every file"));
    }
    return new DownloadPlan(role, listing, files, warnings);
  }

  private static PlanException problem(
      RepoRole role, RepoListing listing, Patterns patterns, Selection whole) {
    if (whole.isComplete()) {
      var kept = new TreeSet<>(whole.paths());
      kept.removeIf(patterns::admit);
      return new PlanException.FilteredOut(listing.repo(), kept);
    }
    if (role == RepoRole.DATASET) {
      return listing.files().stream()
          .map(HubFile::path)
          .filter(path -> ARCHIVE.matcher(path).matches())
          .findFirst()
          .<PlanException>map(path -> new PlanException.PackedImages(listing.repo(), path))
          .orElseGet(() -> new PlanException.NoImages(listing.repo()));
    }
    var gap = whole.gaps().getFirst();
    var pickle = gap.pickle();
    return pickle == null
        ? new PlanException.Incomplete(listing.repo(), gap.component(), gap.expected())
        : new PlanException.PickleOnly(listing.repo(), gap.component(), pickle);
  }
}
