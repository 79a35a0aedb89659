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
 * @param pickles those of the files that are pickled weights, or their index, and become
 *     safetensors once they are there
 */
public record DownloadPlan(
    RepoRole role,
    RepoListing listing,
    List<HubFile> files,
    List<String> warnings,
    List<HubFile> pickles) {

  private static final Pattern ARCHIVE =
      Pattern.compile(".*\\.(parquet|arrow|zip|tar|tar\\.gz|tgz)");

  public DownloadPlan {
    files = List.copyOf(files);
    warnings = List.copyOf(warnings);
    pickles = List.copyOf(pickles);
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
    var pickles = new TreeSet<>(found.pickles());
    if (!found.isComplete() || !pickles.isEmpty()) {
      var whole = Need.of(role, listing, path -> true, documents);
      // pickles are for where there is nothing else, not for where the rest is left out
      if (!found.isComplete() || !whole.pickles().containsAll(pickles)) {
        var problem = problem(role, listing, patterns, whole);
        if (used) {
          throw problem;
        }
        var message = problem.getMessage();
        warnings.add(message == null ? problem.code().name() : message);
        pickles.clear();
      }
    }
    if (!used && patterns.choose()) {
      pickles.clear();
    }
    if (!pickles.isEmpty()) {
      warnings.add(
          "weights are there only as pickles, which are converted to safetensors: "
              + String.join(", ", pickles));
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
    var converted = files.stream().filter(file -> pickles.contains(file.path())).toList();
    return new DownloadPlan(role, listing, files, warnings, converted);
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
    return new PlanException.Incomplete(listing.repo(), gap.component(), gap.expected());
  }
}
