package flora.stage;

import flora.schemas.Stage;

/**
 * A topic of work and who shares it.
 *
 * @param topic its name
 * @param group the share group that takes from it
 * @param name for people, and for threads
 */
public record WorkTopic(String topic, String group, String name) {

  /** Where the runs that need a stage wait. */
  static WorkTopic of(Stage stage) {
    return new WorkTopic(stage.requests(), stage.group(), stage.id());
  }
}
