package flora.gateway.sync;

import flora.gateway.GatewayProperties;
import flora.gateway.run.RunView;
import flora.gateway.run.Submissions;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.schemas.PipelineException;
import flora.schemas.RunId;
import flora.schemas.run.Run;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Compares by schedule what the store has with what the hub has, and starts a run where that
 * differs. Times that passed while no gateway ran are made up for once. Of several gateways one
 * compares; and if two did, the run's id follows from the commit, so that there is one run.
 */
@Component
final class Sync implements SmartLifecycle {

  private static final Logger log = LoggerFactory.getLogger(Sync.class);
  private static final Duration LOOK = Duration.ofSeconds(5);

  /** Somebody who began to compare and says nothing for so long has gone. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** After a failure it is tried again this soon, or by schedule where that is sooner. */
  private static final Duration RETRY = Duration.ofMinutes(15);

  private final SyncJobs jobs;
  private final Upstream upstream;
  private final Archive archive;
  private final Submissions submissions;
  private final RunView view;
  private final Clock clock;
  private final GatewayProperties properties;
  private volatile Thread worker = Thread.ofVirtual().unstarted(() -> {});

  Sync(
      SyncJobs jobs,
      Upstream upstream,
      ObjectStore store,
      Submissions submissions,
      RunView view,
      Clock clock,
      GatewayProperties properties) {
    this.jobs = jobs;
    this.upstream = upstream;
    this.submissions = submissions;
    this.view = view;
    this.clock = clock;
    this.properties = properties;
    archive = new Archive(store);
  }

  @Override
  public void start() {
    worker = Thread.ofVirtual().name("sync").start(this::work);
  }

  @Override
  public void stop() {
    worker.interrupt();
  }

  @Override
  public boolean isRunning() {
    return worker.isAlive();
  }

  private void work() {
    boolean isConfigured = false;
    try {
      while (true) {
        try {
          if (!isConfigured) {
            configure();
            isConfigured = true;
          }
          if (view.isCaughtUp()) {
            look();
          }
        } catch (PipelineException e) {
          log.warn("repositories are not compared, later again: {}", e.getMessage());
        } catch (RuntimeException e) {
          log.error("comparing repositories met what nobody foresaw, later again", e);
        }
        Thread.sleep(LOOK);
      }
    } catch (InterruptedException e) {
      log.debug("no comparing any more");
    }
  }

  /** The store is to say what the configuration says. */
  private void configure() {
    for (var filed : jobs.all()) {
      var reference = filed.job().reference();
      boolean isListed =
          properties.sync().stream()
              .anyMatch(
                  s ->
                      s.repo().equals(reference.repo().value())
                          && s.revision().equals(reference.revision()));
      if (filed.job().source().equals(SyncJobs.CONFIGURATION) && !isListed) {
        jobs.delete(reference);
      }
    }
    properties.sync().forEach(settings -> jobs.put(SyncJobs.CONFIGURATION, settings));
  }

  /** Compares what is due. */
  void look() throws InterruptedException {
    for (var filed : jobs.all()) {
      var now = clock.instant();
      if (!filed.job().nextAt().isAfter(now)) {
        var mine = jobs.replace(filed, filed.job().dueAt(now.plus(PATIENCE)));
        if (mine.isPresent()) {
          compare(mine.get());
        }
      }
    }
  }

  private void compare(SyncJobs.Filed mine) throws InterruptedException {
    var job = mine.job();
    SyncJob result;
    try {
      var commit = upstream.commit(job.reference());
      result =
          isHere(job, commit)
              ? job.unchanged(clock.instant(), commit)
              : job.changed(clock.instant(), commit, fetch(job, commit));
    } catch (PipelineException e) {
      log.warn("{} is not compared: {}", job.reference(), e.getMessage());
      var now = clock.instant();
      var regular = job.after(now);
      var soon = now.plus(RETRY);
      result =
          job.failed(now, regular.isBefore(soon) ? regular : soon, String.valueOf(e.getMessage()));
    }
    if (jobs.replace(mine, result).isEmpty()) {
      log.info("{} was changed while it was compared", job.reference());
    }
  }

  /** Known from the last time, and fetched since. */
  private boolean isHere(SyncJob job, String commit) {
    return commit.equals(job.commit())
        && archive
            .ref(RepoType.MODEL, job.repo(), job.revision())
            .filter(ref -> ref.commit().equals(commit))
            .flatMap(_ -> archive.manifest(RepoType.MODEL, job.repo(), commit))
            .isPresent();
  }

  /** The run for this commit; another one where that came to nothing. */
  private RunId fetch(SyncJob job, String commit) {
    var repo = job.repo().value();
    var id = RunId.of("sync", repo, job.revision(), commit);
    while (view.get(id).map(Run::status).filter(s -> s.isTerminal()).isPresent()) {
      // from the one before it: whoever is killed here and looks again finds the same
      id = RunId.of("sync", id.value());
    }
    var frozen = submissions.freeze(id, job.request(), null);
    if (!view.isAnnounced(id)) {
      log.info("{} stands for {} now: {} fetches it", job.reference(), commit, id);
      submissions.announce(frozen);
    }
    return id;
  }
}
