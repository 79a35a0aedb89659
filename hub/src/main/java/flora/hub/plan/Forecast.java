package flora.hub.plan;

import flora.hub.FileSource;
import flora.hub.HubFile;
import flora.hub.archive.Archive;
import flora.hub.mirror.MirrorStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Tells what plans come to: what is there already, who has the rest, and how long it may take. */
public final class Forecast {

  /** How many files are looked for in the store at once. */
  private static final int LOOKS = 16;

  private final Archive archive;

  public Forecast(Archive archive) {
    this.archive = archive;
  }

  /**
   * Looks and counts; fetches and writes nothing.
   *
   * @param places how the hub and its mirrors do
   */
  public PlanReport report(List<PlannedDownload> plans, List<MirrorStatus> places)
      throws InterruptedException {
    var present = present(plans);
    var repositories = plans.stream().map(plan -> repository(plan, present)).toList();
    var missing = new HashMap<String, Long>();
    for (var plan : plans) {
      for (var file : plan.plan().files()) {
        var id = id(plan, file);
        if (!present.contains(id)) {
          missing.put(id, file.size());
        }
      }
    }
    long toFetch = missing.values().stream().mapToLong(Long::longValue).sum();
    var free = archive.freeBytes().orElse(null);
    var warnings = new ArrayList<String>();
    if (free != null && toFetch > free) {
      warnings.add(
          "%d bytes are to be fetched and the store has room for %d".formatted(toFetch, free));
    }
    return new PlanReport(
        "plan",
        repositories,
        estimates(repositories, places),
        repositories.stream().mapToInt(r -> r.files().size()).sum(),
        repositories.stream().mapToLong(PlanReport.Repository::bytes).sum(),
        repositories.stream().mapToLong(PlanReport.Repository::presentBytes).sum(),
        toFetch,
        free,
        warnings);
  }

  /** Of all planned files those that lie in the store. */
  private Set<String> present(List<PlannedDownload> plans) throws InterruptedException {
    var looks = new LinkedHashMap<String, Callable<Boolean>>();
    for (var plan : plans) {
      var bucket = Archive.bucket(plan.plan().listing().type());
      for (var file : plan.plan().files()) {
        looks.put(id(plan, file), () -> archive.find(bucket, file).isPresent());
      }
    }
    var present = new HashSet<String>();
    try (var threads = Executors.newFixedThreadPool(LOOKS, Thread.ofVirtual().factory())) {
      List<Future<Boolean>> answers;
      try {
        answers = threads.invokeAll(looks.values());
      } finally {
        threads.shutdownNow();
      }
      var ids = looks.keySet().iterator();
      for (var answer : answers) {
        var id = ids.next();
        if (answer.get()) {
          present.add(id);
        }
      }
      return present;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private static String id(PlannedDownload plan, HubFile file) {
    return plan.plan().listing().type() + "/" + file.identity();
  }

  private static PlanReport.Repository repository(PlannedDownload planned, Set<String> present) {
    var plan = planned.plan();
    var listing = plan.listing();
    var files = new ArrayList<PlanReport.PlannedFile>();
    long there = 0;
    for (var file : plan.files()) {
      boolean isPresent = present.contains(id(planned, file));
      there += isPresent ? file.size() : 0;
      files.add(
          new PlanReport.PlannedFile(
              file.path(),
              file.size(),
              file.identity(),
              isPresent,
              planned.copies().sources(file).stream().map(FileSource::name).toList(),
              plan.pickles().contains(file)));
    }
    return new PlanReport.Repository(
        plan.role(),
        listing.type().name().toLowerCase(Locale.ROOT),
        listing.repo(),
        listing.revision(),
        listing.commit(),
        planned.copies().listedBy().orElse(""),
        files,
        plan.bytes(),
        there,
        plan.bytes() - there,
        plan.warnings());
  }

  private static List<PlanReport.MirrorEstimate> estimates(
      List<PlanReport.Repository> repositories, List<MirrorStatus> places) {
    var estimates = new ArrayList<PlanReport.MirrorEstimate>();
    for (var place : places) {
      if (!place.mirror().enabled()) {
        continue;
      }
      var name = name(place);
      int files = 0;
      long bytes = 0;
      long missing = 0;
      for (var repository : repositories) {
        for (var file : repository.files()) {
          if (file.sources().contains(name)) {
            files++;
            bytes += file.size();
            missing += file.present() ? 0 : file.size();
          }
        }
      }
      var rate = place.bytesPerSecond();
      Long seconds =
          rate == null || rate == 0 || files == 0
              ? null
              : Math.ceilDiv(missing, rate * place.mirror().maxConnections());
      estimates.add(
          new PlanReport.MirrorEstimate(
              name, files, bytes, missing, rate, seconds, place.p95Ms(), verdict(place)));
    }
    return estimates;
  }

  /** As in events: the hub by its host, a mirror by its name. */
  private static String name(MirrorStatus place) {
    var host = place.mirror().endpoint().getHost();
    return place.made() == MirrorStatus.Made.ORIGIN && host != null ? host : place.mirror().name();
  }

  private static PlanReport.Verdict verdict(MirrorStatus place) {
    if (place.metadataOnly() != null) {
      return PlanReport.Verdict.METADATA_ONLY;
    }
    if (place.circuit() == MirrorStatus.Circuit.OPEN
        || (place.circuit() == MirrorStatus.Circuit.HALF_OPEN && place.p95Ms() == null)) {
      return PlanReport.Verdict.RESTING;
    }
    if (place.lagging()) {
      return PlanReport.Verdict.LAGGING;
    }
    if (place.slow()) {
      return PlanReport.Verdict.SLOW;
    }
    return place.p95Ms() == null ? PlanReport.Verdict.UNKNOWN : PlanReport.Verdict.OK;
  }
}
