package flora.gateway.model;

import flora.gateway.error.Refusal;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.Forecast;
import flora.hub.plan.PlanReport;
import flora.hub.plan.PlannedDownload;
import flora.hub.plan.Planner;
import flora.hub.plan.WantedRepo;
import flora.schemas.PipelineException;
import flora.schemas.request.RunRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What requests would fetch, within a time that a person waits. Thread-safe. */
public final class Plans implements AutoCloseable {

  private final Planner planner;
  private final Forecast forecast;
  private final Mirrors mirrors;
  private final Duration timeout;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  Plans(Planner planner, Forecast forecast, Mirrors mirrors, Duration timeout) {
    this.planner = planner;
    this.forecast = forecast;
    this.mirrors = mirrors;
    this.timeout = timeout;
  }

  /**
   * What would be fetched, as far as it can be told.
   *
   * @param plan null when it cannot
   * @param obstacle why it cannot
   */
  public record Outlook(@Nullable PlanReport plan, @Nullable Obstacle obstacle) {}

  /** Why there is no plan, as a problem document would say it. */
  public record Obstacle(
      String code, @Nullable String detail, @Nullable String pointer, @Nullable String hint) {}

  /**
   * Plans a request.
   *
   * @throws Refusal.Unplannable when a repository cannot be listed or does not give what is needed
   * @throws Refusal.PlanTimeout when that takes too long
   */
  public PlanReport plan(RunRequest request) {
    var work = threads.submit(() -> inTime(request));
    try {
      return work.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new Refusal.PlanTimeout(timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("stopped while planning", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException("cannot plan", e.getCause());
    } finally {
      work.cancel(true);
    }
  }

  /** The same, where having no plan is an answer too. */
  public Outlook outlook(RunRequest request) {
    try {
      return new Outlook(plan(request), null);
    } catch (Refusal e) {
      var obstacle = new Obstacle(e.code().name(), e.getMessage(), e.pointer(), e.hint());
      return new Outlook(null, obstacle);
    } catch (PipelineException e) {
      return new Outlook(null, new Obstacle(e.code().name(), e.getMessage(), null, e.hint()));
    }
  }

  private PlanReport inTime(RunRequest request) throws InterruptedException {
    var plans = new ArrayList<PlannedDownload>();
    var wanted = WantedRepo.of(request);
    for (var one : wanted) {
      plans.add(plan(one));
    }
    var report = forecast.report(plans, mirrors.list());
    for (int i = 0; i < plans.size(); i++) {
      requireTermsAccepted(plans.get(i), report.repositories().get(i), wanted.get(i).pointer());
    }
    return report;
  }

  /**
   * The list of a gated repository is open to everybody: only who asks for a file hears of terms.
   * So the smallest of those that are to be fetched is asked for, for one byte.
   */
  private static void requireTermsAccepted(
      PlannedDownload planned, PlanReport.Repository report, String pointer)
      throws InterruptedException {
    var missing =
        report.files().stream()
            .filter(file -> !file.present())
            .map(PlanReport.PlannedFile::path)
            .collect(Collectors.toSet());
    var smallest =
        planned.plan().files().stream()
            .filter(file -> file.size() > 0 && missing.contains(file.path()))
            .min(Comparator.comparingLong(HubFile::size));
    if (smallest.isEmpty()) {
      return;
    }
    HubException.Gated refusal = null;
    for (var source : planned.copies().sources(smallest.get())) {
      if (!source.isUsable()) {
        continue;
      }
      try (var _ = source.open(0, 1)) {
        return;
      } catch (HubException.Gated e) {
        refusal = e;
      } catch (HubException.EntryNotFound e) {
        // somebody else is asked
      } catch (HubException e) {
        return; // a fetch tries more than once
      }
    }
    if (refusal != null) {
      throw new Refusal.Unplannable(refusal, pointer);
    }
  }

  private PlannedDownload plan(WantedRepo wanted) throws InterruptedException {
    try {
      return planner.plan(wanted);
    } catch (PipelineException e) {
      throw new Refusal.Unplannable(e, wanted.pointer());
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
