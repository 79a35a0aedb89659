package flora.hub.plan;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.ModelSource.Preset;
import java.util.ArrayList;
import java.util.Collection;
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

  /** The same with more to know. */
  DownloadPlan warning(List<String> more) {
    var all = new ArrayList<>(more);
    all.addAll(warnings);
    return new DownloadPlan(role, listing, files, all, pickles);
  }

  /** Bytes of all files. */
  public long bytes() {
    return files.stream().mapToLong(HubFile::size).sum();
  }

  /**
   * Plans: what is needed in the form that the preset says, or with {@code allow_patterns} what
   * matches them; in both cases less what {@code ignore_patterns} match. Of a dataset that no stage
   * works with, everything. Nothing is read but the documents.
   *
   * @throws PlanException when something that a later stage needs is not there or kept out; where
   *     no stage needs it, that is a warning
   */
  public static DownloadPlan of(WantedRepo wanted, RepoListing listing, Documents documents)
      throws InterruptedException {
    var patterns = wanted.patterns();
    // patterns that choose leave the preset nothing to say
    var preset = patterns.choose() ? Preset.NEEDED : wanted.preset();
    boolean isCopied = wanted.role() == RepoRole.DATASET && !wanted.used();
    boolean all = patterns.choose() || preset == Preset.EVERYTHING || isCopied;
    var warnings = new ArrayList<String>();
    var paths = new TreeSet<String>();
    var pickles = new TreeSet<String>();
    if (!isCopied) {
      choose(wanted, preset, listing, documents, paths, pickles, warnings);
    }
    if (all && !wanted.used()) {
      pickles.clear();
    }
    if (!pickles.isEmpty()) {
      warnings.add(
          "weights are there only as pickles, which are converted to safetensors: "
              + String.join(", ", pickles));
    }
    if (all) {
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
    return new DownloadPlan(wanted.role(), listing, files, warnings, converted);
  }

  /** What is needed; where something lacks, an exception or a warning. */
  private static void choose(
      WantedRepo wanted,
      Preset preset,
      RepoListing listing,
      Documents documents,
      Collection<String> paths,
      Collection<String> pickles,
      Collection<String> warnings)
      throws InterruptedException {
    var found = Need.of(wanted.role(), listing, wanted.patterns()::admit, documents, preset);
    paths.addAll(found.paths());
    pickles.addAll(found.pickles());
    if (!wanted.patterns().choose()) {
      // they tell what the preset takes, and patterns take something else
      warnings.addAll(found.notes());
    }
    if (found.isComplete() && pickles.isEmpty()) {
      return;
    }
    var whole = Need.of(wanted.role(), listing, path -> true, documents, preset);
    // pickles are for where there is nothing else, not for where the rest is left out
    if (!found.isComplete() || !whole.pickles().containsAll(pickles)) {
      var problem = problem(wanted, listing, whole);
      if (wanted.used()) {
        throw problem;
      }
      var message = problem.getMessage();
      warnings.add(message == null ? problem.code().name() : message);
      pickles.clear();
    }
  }

  private static PlanException problem(WantedRepo wanted, RepoListing listing, Selection whole) {
    if (whole.isComplete()) {
      var kept = new TreeSet<>(whole.paths());
      kept.removeIf(wanted.patterns()::admit);
      return new PlanException.FilteredOut(listing.repo(), kept);
    }
    if (wanted.role() == RepoRole.DATASET) {
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
        : new PlanException.PickleLeftOut(listing.repo(), gap.component(), pickle);
  }
}
