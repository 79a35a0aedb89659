package flora.hub.plan;

import flora.hub.HubException;
import flora.hub.RetryPolicy;
import flora.schemas.request.RunRequest;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From a request to the files that it gets: every repository is located, then its files are chosen.
 * Reads lists and a few small documents, and writes nothing. Thread-safe.
 */
public final class Planner {

  private static final Logger log = LoggerFactory.getLogger(Planner.class);

  private final Locator locator;
  private final RetryPolicy policy;

  /**
   * @param policy of reading a document again
   */
  public Planner(Locator locator, RetryPolicy policy) {
    this.locator = locator;
    this.policy = policy;
  }

  /**
   * Plans everything that a request names.
   *
   * @param proceed called before each repository; may throw to stop
   * @throws HubException when a repository cannot be listed
   * @throws PlanException when it does not give what the run needs of it
   */
  public List<PlannedDownload> plan(RunRequest request, Runnable proceed)
      throws InterruptedException {
    var plans = new ArrayList<PlannedDownload>();
    for (var wanted : WantedRepo.of(request)) {
      proceed.run();
      plans.add(plan(wanted));
    }
    return plans;
  }

  /**
   * Plans one repository.
   *
   * @throws HubException when it cannot be listed
   * @throws PlanException when it does not give what the run needs of it
   */
  public PlannedDownload plan(WantedRepo wanted) throws InterruptedException {
    var reference = wanted.reference();
    var copies =
        locator.locate(wanted.type(), reference.repo(), reference.revision(), wanted.useMirror());
    var listing = copies.listing();
    var plan =
        DownloadPlan.of(wanted, listing, new VerifiedDocuments(copies, policy))
            .warning(copies.warnings());
    log.info(
        "{} {} at {}: {} of {} files, {} bytes",
        wanted.role(),
        reference,
        listing.commit(),
        plan.files().size(),
        listing.files().size(),
        plan.bytes());
    plan.warnings().forEach(warning -> log.warn("{}: {}", reference, warning));
    return new PlannedDownload(plan, copies);
  }
}
