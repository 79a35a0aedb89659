package flora.fetcher;

import flora.fetcher.convert.PickleConversion;
import flora.fetcher.download.Downloader;
import flora.fetcher.download.Progress;
import flora.fetcher.download.Room;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.plan.DownloadPlan;
import flora.hub.plan.PlannedDownload;
import flora.hub.plan.Planner;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Failure;
import flora.schemas.PipelineException;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.stage.StageFlow;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Request in; every repository that it names is resolved to a commit, planned, fetched, freed of
 * pickles and listed in a manifest; snapshots out.
 */
final class FetcherFlow implements StageFlow {

  private static final Logger log = LoggerFactory.getLogger(FetcherFlow.class);
  private static final Duration FULL_RETRY = Duration.ofSeconds(10);

  private final Planner planner;
  private final Archive archive;
  private final Downloader downloader;
  private final PickleConversion conversion;
  private final Clock clock;

  FetcherFlow(Planner planner, Archive archive, Downloader downloader, Clock clock) {
    this.planner = planner;
    this.archive = archive;
    this.downloader = downloader;
    this.conversion = new PickleConversion(archive, clock);
    this.clock = clock;
  }

  @Override
  public Stage stage() {
    return Stage.FETCH;
  }

  /** Says what it waits for, where it will be tried again: nobody has to guess at the silence. */
  @Override
  public Function<EventStamp, Event> run(RunRequest request, StageContext context)
      throws InterruptedException {
    try {
      return fetch(request, context);
    } catch (PipelineException e) {
      if (e.code().isTransient()) {
        context.publish(
            s -> new FetchEvent.Paused(s.runId(), s.attempt(), s.seq(), s.at(), Failure.of(e)));
      }
      throw e;
    }
  }

  private Function<EventStamp, Event> fetch(RunRequest request, StageContext context)
      throws InterruptedException {
    var downloads = planner.plan(request, context::proceed);
    var plans = downloads.stream().map(PlannedDownload::plan).toList();
    var warnings =
        plans.stream()
            .flatMap(p -> p.warnings().stream().map(w -> p.listing().repo() + ": " + w))
            .toList();
    long total = plans.stream().mapToLong(DownloadPlan::bytes).sum();
    context.publish(
        s -> new FetchEvent.Started(s.runId(), s.attempt(), s.seq(), s.at(), total, warnings));

    var wanted = new Wanted(archive, plans);
    var reporter = new Reporter(context, total, wanted);
    Room.await(FULL_RETRY, reporter, wanted::say);
    archive.awaitRemovals(clock);
    downloads.forEach(download -> tellIfRenamed(download, context));
    plans.forEach(plan -> tellIfMoved(plan.listing(), context));
    var results = downloader.run(downloads, reporter);

    var snapshots = new ArrayList<Snapshot>();
    for (int i = 0; i < plans.size(); i++) {
      context.proceed();
      var plan = plans.get(i);
      var files = results.get(i);
      var copies = downloads.get(i).copies();
      Runnable tick =
          () -> {
            context.proceed();
            wanted.sayAgain(System.nanoTime());
          };
      var converted = Room.await(FULL_RETRY, reporter, () -> conversion.run(plan, files, tick));
      Room.await(FULL_RETRY, reporter, () -> archive.use(copies.listing(), files, converted));
      archive.awaitRemovals(clock);
      var manifest =
          Room.await(FULL_RETRY, reporter, () -> archive.publish(copies, files, converted));
      snapshots.add(snapshot(plan, manifest));
    }
    return completed(total, snapshots);
  }

  private static void tellIfRenamed(PlannedDownload download, StageContext context) {
    download
        .copies()
        .renamed()
        .ifPresent(
            renamed ->
                context.publish(
                    s ->
                        new FetchEvent.RepositoryRenamed(
                            s.runId(),
                            s.attempt(),
                            s.seq(),
                            s.at(),
                            renamed.requested(),
                            renamed.repo(),
                            renamed.reason())));
  }

  private void tellIfMoved(RepoListing listing, StageContext context) {
    archive
        .ref(listing.type(), listing.repo(), listing.revision())
        .filter(ref -> !ref.commit().equals(listing.commit()))
        .ifPresent(
            ref ->
                context.publish(
                    s ->
                        new FetchEvent.UpstreamMoved(
                            s.runId(),
                            s.attempt(),
                            s.seq(),
                            s.at(),
                            listing.repo(),
                            listing.revision(),
                            ref.commit(),
                            listing.commit())));
  }

  private static Snapshot snapshot(DownloadPlan plan, ObjectRef manifest) {
    var listing = plan.listing();
    return new Snapshot(
        plan.role(), listing.repo(), listing.revision(), listing.commit(), manifest);
  }

  private static Function<EventStamp, Event> completed(long total, List<Snapshot> snapshots) {
    return s -> new FetchEvent.Completed(s.runId(), s.attempt(), s.seq(), s.at(), total, snapshots);
  }

  /** Says every few minutes what this run is after, so that no clean-up takes it meanwhile. */
  private static final class Wanted {

    private static final long EVERY_NANOS = TimeUnit.MINUTES.toNanos(10);

    private final Archive archive;
    private final List<DownloadPlan> plans;
    private long said = System.nanoTime();

    Wanted(Archive archive, List<DownloadPlan> plans) {
      this.archive = archive;
      this.plans = plans;
    }

    /** Returns when. */
    long say() {
      plans.forEach(plan -> archive.use(plan.listing(), plan.files()));
      return said = System.nanoTime();
    }

    void sayAgain(long nanoTime) {
      if (nanoTime - said > EVERY_NANOS) {
        try {
          say();
        } catch (ObjectStoreException.Full e) {
          log.debug("not said what is wanted: {}", e.getMessage());
        }
      }
    }
  }

  /** Tells the world how far it is. */
  private record Reporter(StageContext context, long total, Wanted wanted)
      implements Downloader.Watcher, Room.Waiter {

    @Override
    public void verified(RepoListing listing, HubFile file, Verified verified, boolean isNew) {
      var blob =
          new ObjectRef(
              Archive.bucket(listing.type()),
              StoreLayout.blob(verified.sha256()),
              verified.size(),
              verified.sha256());
      context.publish(
          s ->
              new FetchEvent.FileVerified(
                  s.runId(),
                  s.attempt(),
                  s.seq(),
                  s.at(),
                  listing.repo(),
                  file.path(),
                  blob,
                  isNew ? verified.source() : "store"));
    }

    @Override
    public void tick(Progress progress) {
      context.proceed();
      wanted.sayAgain(System.nanoTime());
      context.progress(
          s ->
              new FetchEvent.Progressed(
                  s.runId(),
                  s.attempt(),
                  s.seq(),
                  s.at(),
                  progress.done(),
                  total,
                  progress.bytesPerSecond(),
                  progress.linkBytesPerSecond(),
                  progress.etaSeconds(),
                  progress.bottleneck(),
                  progress.sources()));
    }

    @Override
    public void switched(RepoListing listing, HubFile file, String from, String to, String reason) {
      context.publish(
          s ->
              new FetchEvent.MirrorSwitched(
                  s.runId(),
                  s.attempt(),
                  s.seq(),
                  s.at(),
                  listing.repo(),
                  file.path(),
                  from,
                  to,
                  reason));
    }

    @Override
    public void mismatched(
        RepoListing listing, HubFile file, String source, String expected, String received) {
      context.publish(
          s ->
              new FetchEvent.ChecksumMismatched(
                  s.runId(),
                  s.attempt(),
                  s.seq(),
                  s.at(),
                  listing.repo(),
                  file.path(),
                  source,
                  expected,
                  received));
    }

    @Override
    public void proceed() {
      context.proceed();
    }

    @Override
    public void paused(ObjectStoreException.Full why) {
      context.publish(
          s -> new FetchEvent.Paused(s.runId(), s.attempt(), s.seq(), s.at(), Failure.of(why)));
    }

    @Override
    public void resumed() {
      context.publish(s -> new FetchEvent.Resumed(s.runId(), s.attempt(), s.seq(), s.at()));
    }
  }
}
