package flora.labeler.work;

import flora.labeler.spool.JsonLines;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.Claim;
import flora.store.ObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the store knows of one part of a labelling: who works on it and what came of it. The first
 * result stays; rows are named by their digest, so that whoever comes second changes nothing.
 */
public final class Shard {

  private static final String DONE = "/done.json";

  private final ObjectStore store;
  private final RunId run;
  private final int number;

  /** A part of a run's labelling, from 0. */
  public Shard(ObjectStore store, RunId run, int number) {
    this.store = store;
    this.run = run;
    this.number = number;
  }

  /**
   * {@code done.json}.
   *
   * @param rows a {@link ShardRow} on every line
   * @param count how many
   * @param by who did it
   */
  public record Done(ObjectRef rows, long count, String by) {}

  /** What came of it, if it is done. */
  public Optional<Done> done() {
    return store
        .read(StoreLayout.RUNS, StoreLayout.labelShardDone(run, number))
        .map(s -> Json.read(s.bytes(), Done.class));
  }

  /** The right to work on it, unless somebody else has it. */
  public Optional<Claim> claim(Clock clock, String owner, Duration validFor) {
    return Claim.take(
        store, clock, StoreLayout.RUNS, StoreLayout.labelShardClaim(run, number), owner, validFor);
  }

  /** Keeps the rows, and says that it is done. */
  public void finish(Path rows, long count, String by) {
    var digest = JsonLines.digest(rows);
    var kept =
        store.upload(
            StoreLayout.RUNS,
            StoreLayout.labelShardRows(run, number, digest),
            rows,
            "application/jsonl");
    store.putIfAbsent(
        StoreLayout.RUNS,
        StoreLayout.labelShardDone(run, number),
        Json.bytes(new Done(kept, count, by)),
        "application/json");
  }

  /** The numbers of a run's parts that are done. */
  public static Set<Integer> allDone(ObjectStore store, RunId run) {
    var folder = StoreLayout.labelShards(run);
    var done = new TreeSet<Integer>();
    try (var objects = store.list(StoreLayout.RUNS, folder)) {
      objects.forEach(
          o -> {
            var rest = o.key().substring(folder.length());
            if (rest.endsWith(DONE)) {
              done.add(Integer.parseInt(rest.substring(0, rest.length() - DONE.length())));
            }
          });
    }
    return done;
  }
}
