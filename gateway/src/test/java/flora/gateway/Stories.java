package flora.gateway;

import flora.schemas.Event;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** What stages tell of a run. */
final class Stories {

  private Stories() {}

  static Event fetchStarted(RunId run, Instant at) {
    return new FetchEvent.Started(run, 1, 1, at, 100, List.of());
  }

  static Event fetched(RunId run) {
    return new FetchEvent.Completed(run, 1, 9, Instant.now(), 100, List.of());
  }

  /** A whole run: fetch, label with a takeover, train. */
  static List<Event> whole(RunId run) {
    var at = Instant.now();
    var all = new ArrayList<Event>();
    all.add(new FetchEvent.Started(run, 1, 1, at, 100, List.of()));
    all.add(
        new FetchEvent.Progressed(
            run, 1, 2, at.plusMillis(10), 50, 100, 50, 50, 1L, null, List.of()));
    all.add(new FetchEvent.Completed(run, 1, 3, at.plusMillis(20), 100, List.of()));
    all.add(new LabelEvent.Started(run, 1, 1, at.plusMillis(30), 2));
    all.add(new LabelEvent.Started(run, 2, 1, at.plusMillis(40), 2));
    all.add(new LabelEvent.Progressed(run, 1, 2, at.plusMillis(45), 1, 2));
    all.add(
        new LabelEvent.Completed(
            run, 2, 2, at.plusMillis(50), "pictures", digest('d'), 2, 0, ref(run, "m.json", 'd')));
    all.add(new TrainingEvent.Started(run, 1, 1, at.plusMillis(60), 0, 10));
    all.add(
        new TrainingEvent.StepsCompleted(
            run, 1, 2, at.plusMillis(70), 5, 10, 0.5, 1e-4, 0.1, 0.5, 2));
    all.add(
        new TrainingEvent.CheckpointSaved(
            run, 1, 3, at.plusMillis(80), 5, 0.5, ref(run, "c.json", 'c')));
    all.add(
        new TrainingEvent.Completed(
            run,
            1,
            4,
            at.plusMillis(90),
            10,
            0.25,
            List.of(new Artifact("adapter/a.safetensors", ref(run, "a.safetensors", 'a')))));
    return all;
  }

  private static ObjectRef ref(RunId run, String file, char digit) {
    return new ObjectRef(StoreLayout.RUNS, StoreLayout.attempt(run, 1, file), 10, digest(digit));
  }

  private static Sha256 digest(char digit) {
    return new Sha256(String.valueOf(digit).repeat(64));
  }
}
