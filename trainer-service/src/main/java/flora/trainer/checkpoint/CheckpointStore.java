package flora.trainer.checkpoint;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.CheckpointManifest;
import flora.schemas.training.TrainingEvent;
import flora.stage.StageContext;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The checkpoints of one run: {@code attempts/{epoch}/checkpoints/step-000100/} with the adapter,
 * the optimizer's moments and {@code state.json}, then {@code manifest.json}, then {@code
 * head.json}, then the event. Whoever dies in between leaves either the old checkpoint or the new
 * one.
 */
public final class CheckpointStore {

  private static final Logger log = LoggerFactory.getLogger(CheckpointStore.class);
  private static final String MANIFEST = "manifest.json";
  private static final Pattern PLACE =
      Pattern.compile("runs/[^/]+/attempts/(\\d+)/checkpoints/step-(\\d+)/([^/]+)");
  private static final List<String> FILES =
      List.of(CheckpointManifest.ADAPTER, CheckpointManifest.OPTIMIZER, CheckpointManifest.STATE);
  private static final List<String> OPTIONAL =
      List.of(CheckpointManifest.EMA, CheckpointManifest.BEST);

  private final ObjectStore store;
  private final StageContext context;
  private final int keep;

  /**
   * A checkpoint on this machine.
   *
   * @param state its {@code state.json}
   * @param folder holds its files by their names
   */
  public record Loaded(TrainingState state, Path folder) {}

  /** The checkpoints of the run that the context holds the lease of; the newest are kept. */
  public CheckpointStore(ObjectStore store, StageContext context, int keep) {
    this.store = store;
    this.context = context;
    this.keep = keep;
  }

  /**
   * Saves a checkpoint and tells everybody. When it returns, a resume begins there.
   *
   * @param folder holds {@code adapter.safetensors} and {@code optimizer.safetensors}, {@code
   *     ema.safetensors} where there is an average, and {@code best.safetensors} where an earlier
   *     adapter was better; gets {@code state.json}
   * @throws StageContext.LeaseLost when another attempt has taken over
   */
  public void save(TrainingState state, Path folder) {
    write(folder.resolve(CheckpointManifest.STATE), Json.bytes(state));
    var files = new ArrayList<Artifact>();
    for (var name : names(name -> Files.exists(folder.resolve(name)))) {
      var file = folder.resolve(name);
      var type = name.endsWith(".json") ? "application/json" : "application/octet-stream";
      files.add(
          new Artifact(name, store.upload(StoreLayout.RUNS, key(state.step(), name), file, type)));
    }
    var manifest = Json.bytes(new CheckpointManifest(state.step(), files));
    var key = key(state.step(), MANIFEST);
    store.put(StoreLayout.RUNS, key, manifest, "application/json");
    var reference = new ObjectRef(StoreLayout.RUNS, key, manifest.length, Sha256.sum(manifest));
    double loss = state.lossCount() == 0 ? 0 : state.lossSum() / state.lossCount();
    var newest = new Head.Checkpoint(state.step(), loss, reference);
    context.updateHead(head -> head.with(newest));
    announce(newest);
    prune(newest);
  }

  /** Says again that a checkpoint is there: whoever wrote it may have died before it could. */
  public void announce(Head.Checkpoint checkpoint) {
    context.publish(
        at ->
            new TrainingEvent.CheckpointSaved(
                at.runId(),
                at.attempt(),
                at.seq(),
                at.at(),
                checkpoint.step(),
                checkpoint.loss(),
                checkpoint.manifest()));
  }

  /**
   * Fetches the newest checkpoint into a folder; one whose bytes are not what they should be is
   * passed over for the one before. Empty when there is none.
   */
  public Optional<Loaded> newest(Path folder) {
    var checkpoint = context.head().checkpoint();
    if (checkpoint == null) {
      return Optional.empty();
    }
    var candidates = new ArrayList<String>();
    candidates.add(checkpoint.manifest().key());
    places().stream()
        .filter(place -> place.file().equals(MANIFEST) && place.step() <= checkpoint.step())
        .sorted(Comparator.comparingLong(Place::step).thenComparingLong(Place::epoch).reversed())
        .map(Place::key)
        .filter(key -> !candidates.contains(key))
        .forEach(candidates::add);
    for (var key : candidates) {
      var loaded = load(key, folder);
      if (loaded.isPresent()) {
        return loaded;
      }
      log.warn("checkpoint {} is damaged, trying the one before", key);
    }
    return Optional.empty();
  }

  private Optional<Loaded> load(String manifestKey, Path folder) {
    var stored = store.read(StoreLayout.RUNS, manifestKey);
    if (stored.isEmpty()) {
      return Optional.empty();
    }
    try {
      var manifest = Json.read(stored.get().bytes(), CheckpointManifest.class);
      for (var name : names(name -> manifest.file(name).isPresent())) {
        var file = manifest.file(name);
        if (file.isEmpty() || !download(file.get().object(), folder.resolve(name))) {
          return Optional.empty();
        }
      }
      var state = Files.readAllBytes(folder.resolve(CheckpointManifest.STATE));
      return Optional.of(new Loaded(Json.read(state, TrainingState.class), folder));
    } catch (JacksonException _) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> names(Predicate<String> isThere) {
    return Stream.concat(FILES.stream(), OPTIONAL.stream().filter(isThere)).toList();
  }

  /** Whether the object is there and is what its reference says. */
  private boolean download(ObjectRef object, Path to) throws IOException {
    if (store.head(object.bucket(), object.key()).isEmpty()) {
      return false;
    }
    var digest = sha256();
    try (var in = new DigestInputStream(store.open(object.bucket(), object.key()), digest);
        var out = Files.newOutputStream(to)) {
      in.transferTo(out);
    }
    return Sha256.of(digest.digest()).equals(object.sha256());
  }

  /** Removes all but the newest, and what earlier attempts have left half done. */
  private void prune(Head.Checkpoint newest) {
    var places = places();
    var complete =
        places.stream()
            .filter(place -> place.file().equals(MANIFEST))
            .sorted(
                Comparator.comparingLong(Place::step).thenComparingLong(Place::epoch).reversed())
            .map(Place::folder)
            .toList();
    var kept = new HashSet<>(complete.subList(0, Math.min(keep, complete.size())));
    var head = newest.manifest().key();
    kept.add(head.substring(0, head.lastIndexOf('/') + 1));
    // the manifest goes first: a checkpoint is complete or not there
    places.stream()
        .filter(place -> !kept.contains(place.folder()))
        // what a successor is writing is not ours to clear
        .filter(place -> place.epoch() <= context.epoch())
        .sorted(Comparator.comparing(place -> !place.file().equals(MANIFEST)))
        .forEach(place -> store.delete(StoreLayout.RUNS, place.key()));
  }

  private record Place(String key, long epoch, long step, String file) {
    String folder() {
      return key.substring(0, key.length() - file.length());
    }
  }

  private List<Place> places() {
    var prefix = StoreLayout.runFolder(context.runId()) + "attempts/";
    try (var objects = store.list(StoreLayout.RUNS, prefix)) {
      return objects.map(ObjectInfo::key).flatMap(key -> place(key).stream()).toList();
    }
  }

  private static Optional<Place> place(String key) {
    var match = PLACE.matcher(key);
    return match.matches()
        ? Optional.of(
            new Place(
                key,
                Long.parseLong(match.group(1)),
                Long.parseLong(match.group(2)),
                match.group(3)))
        : Optional.empty();
  }

  private String key(long step, String file) {
    RunId run = context.runId();
    return StoreLayout.attempt(
        run, context.epoch(), "checkpoints/step-%06d/%s".formatted(step, file));
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
