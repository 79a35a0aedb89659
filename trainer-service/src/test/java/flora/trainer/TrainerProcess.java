package flora.trainer;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.training.TrainingEvent;
import flora.schemas.training.TrainingEvent.AdapterExported;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import java.nio.file.Path;
import java.util.function.Function;

/** A trainer in a process of its own, to be killed: prints one line an event. */
final class TrainerProcess {

  private TrainerProcess() {}

  public static void main(String[] arguments) {
    var store = TrainerIT.connect(arguments[0], arguments[1], arguments[2]);
    var run = new RunId(arguments[3]);
    var flow = TinyRun.flow(store, Path.of(arguments[4]), TrainerApplication.thisMachine());
    var context =
        new RecordingContext(store, run, 1) {
          private int exported;

          @Override
          public void publish(Function<EventStamp, Event> event) {
            super.publish(event);
            switch ((TrainingEvent) events().getLast()) {
              case StepsCompleted e -> System.out.println("StepsCompleted " + e.step());
              case CheckpointSaved e -> System.out.println("CheckpointSaved " + e.step());
              case AdapterExported _ -> System.out.println("AdapterExported " + ++exported);
              default -> {}
            }
            System.out.flush();
          }

          @Override
          public void proceed() {
            // slow enough that the signal arrives before the next piece of work
            try {
              Thread.sleep(60);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    var plan = arguments[5].equals("varied") ? VariedRunIT.PLAN : TinyRun.PLAN;
    flow.run(new TinyRun(store, run).request(plan), context);
    store.close();
  }
}
