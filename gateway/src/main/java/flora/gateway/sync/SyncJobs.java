package flora.gateway.sync;

import flora.gateway.GatewayProperties;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.Stored;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;

/** The repositories that follow their hub, as they lie in the store for every gateway. */
@Component
final class SyncJobs {

  private static final String JSON = "application/json";

  /** Where the configuration says so. */
  static final String CONFIGURATION = "configuration";

  /** Where somebody asked for it. */
  static final String API = "api";

  private final ObjectStore store;
  private final Clock clock;

  SyncJobs(ObjectStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  /** A job with the etag of its object. */
  record Filed(SyncJob job, String etag) {}

  /** All of them. */
  List<Filed> all() {
    var keys = new ArrayList<String>();
    try (var objects = store.list(StoreLayout.MODELS, StoreLayout.SYNCS)) {
      objects.map(ObjectInfo::key).forEach(keys::add);
    }
    return keys.stream().flatMap(key -> read(key).stream()).toList();
  }

  Optional<Filed> get(RepoReference reference) {
    return read(key(reference));
  }

  private Optional<Filed> read(String key) {
    return store.read(StoreLayout.MODELS, key).flatMap(SyncJobs::parse);
  }

  private static Optional<Filed> parse(Stored stored) {
    try {
      return Optional.of(new Filed(Json.read(stored.bytes(), SyncJob.class), stored.etag()));
    } catch (JacksonException e) {
      return Optional.empty(); // not ours
    }
  }

  /** Begins to follow, or goes on with other settings; what is known already stays known. */
  SyncJob put(String source, GatewayProperties.Sync settings) {
    while (true) {
      var wanted = fresh(source, settings);
      var key = key(wanted.reference());
      var there = read(key);
      if (there.isEmpty()) {
        if (store.putIfAbsent(StoreLayout.MODELS, key, Json.bytes(wanted), JSON).isPresent()) {
          return wanted;
        }
        if (read(key).isEmpty()) {
          store.put(StoreLayout.MODELS, key, Json.bytes(wanted), JSON);
          return wanted;
        }
        continue;
      }
      var old = there.get().job();
      if (old.isLike(wanted) && old.source().equals(source)) {
        return old;
      }
      var merged = merged(wanted, old);
      if (replace(there.get(), merged).isPresent()) {
        return merged;
      }
    }
  }

  /**
   * What such a job would ask for.
   *
   * @throws flora.schemas.request.RequestException when nobody could carry it out
   */
  static EffectiveRequest requestOf(GatewayProperties.Sync settings) {
    return job(API, settings).request();
  }

  private SyncJob fresh(String source, GatewayProperties.Sync settings) {
    var job = job(source, settings);
    return job.dueAt(job.after(clock.instant()));
  }

  private static SyncJob job(String source, GatewayProperties.Sync settings) {
    return new SyncJob(
        "sync",
        source,
        new RepoId(settings.repo()),
        settings.revision(),
        settings.cron(),
        settings.zone(),
        settings.useMirror(),
        settings.preset(),
        settings.allowPatterns(),
        settings.ignorePatterns(),
        Instant.EPOCH,
        null,
        null,
        null,
        null,
        null);
  }

  private static SyncJob merged(SyncJob wanted, SyncJob old) {
    return new SyncJob(
        "sync",
        wanted.source(),
        wanted.repo(),
        wanted.revision(),
        wanted.cron(),
        wanted.zone(),
        wanted.useMirror(),
        wanted.preset(),
        wanted.allowPatterns(),
        wanted.ignorePatterns(),
        wanted.nextAt(),
        old.lastCheckedAt(),
        // of other files nothing is known
        wanted.files().equals(old.files()) ? old.commit() : null,
        old.lastChangedAt(),
        old.lastRun(),
        old.lastError());
  }

  /** Writes a job over what was read; empty when somebody else was faster. */
  Optional<Filed> replace(Filed read, SyncJob job) {
    return store
        .putIfMatch(StoreLayout.MODELS, key(job.reference()), Json.bytes(job), JSON, read.etag())
        .map(etag -> new Filed(job, etag));
  }

  /** Ends it. No error when there is none. */
  void delete(RepoReference reference) {
    store.delete(StoreLayout.MODELS, key(reference));
  }

  private static String key(RepoReference reference) {
    return StoreLayout.sync(reference.repo(), reference.revision());
  }
}
