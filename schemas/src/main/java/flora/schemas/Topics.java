package flora.schemas;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Every topic: its name, partitions and how long it is kept. Created idempotently at start. */
public final class Topics {

  public static final String FETCH_REQUESTS = "fetch.requests.v1";
  public static final String LABEL_REQUESTS = "label.requests.v1";
  public static final String TRAIN_REQUESTS = "train.requests.v1";
  public static final String RUN_EVENTS = "run.events.v1";
  public static final String FETCH_EVENTS = "fetch.events.v1";
  public static final String LABEL_EVENTS = "label.events.v1";
  public static final String TRAINING_EVENTS = "training.events.v1";
  public static final String RUNS = "runs.v1";

  /** Parts of large labellings, for whoever has time. */
  public static final String LABEL_SHARDS = "label.shards.v1";

  /** The share group that takes {@link #LABEL_SHARDS}. */
  public static final String LABEL_SHARD_GROUP = "labeler-shards";

  public static final String OBJECT_EVENTS = "object.events.v1";

  private static final Duration WORK = Duration.ofDays(7);
  private static final Duration NOTICES = Duration.ofDays(30);

  /**
   * One topic as it is created.
   *
   * @param name its name
   * @param partitions how many partitions; one for work, so that a share group never idles
   * @param config the topic's configuration, as Kafka names it
   */
  public record Topic(String name, int partitions, Map<String, String> config) {
    public Topic {
      config = Map.copyOf(config);
    }
  }

  private Topics() {}

  /** All topics, in the order the data flows. */
  public static List<Topic> all() {
    return List.of(
        kept(FETCH_REQUESTS, 1, WORK),
        kept(LABEL_REQUESTS, 1, WORK),
        kept(LABEL_SHARDS, 1, WORK),
        kept(TRAIN_REQUESTS, 1, WORK),
        kept(RUN_EVENTS, 12, NOTICES),
        kept(FETCH_EVENTS, 12, NOTICES),
        kept(LABEL_EVENTS, 12, NOTICES),
        kept(TRAINING_EVENTS, 12, NOTICES),
        new Topic(RUNS, 12, Map.of("cleanup.policy", "compact")),
        kept(OBJECT_EVENTS, 3, WORK),
        kept(deadLetters(Stage.FETCH), 1, NOTICES),
        kept(deadLetters(Stage.LABEL), 1, NOTICES),
        kept(deadLetters(LABEL_SHARDS, LABEL_SHARD_GROUP), 1, NOTICES),
        kept(deadLetters(Stage.TRAIN), 1, NOTICES));
  }

  /** The event topics that the projection joins; all have the same partition count. */
  public static List<String> events() {
    return List.of(RUN_EVENTS, FETCH_EVENTS, LABEL_EVENTS, TRAINING_EVENTS);
  }

  /** Where a stage's work goes that nobody could do: {@code <topic>.<group>.dlq}. */
  public static String deadLetters(Stage stage) {
    return deadLetters(stage.requests(), stage.group());
  }

  /** Where a share group's records of a topic go that nobody could do. */
  public static String deadLetters(String topic, String group) {
    return topic + "." + group + ".dlq";
  }

  private static Topic kept(String name, int partitions, Duration time) {
    return new Topic(
        name,
        partitions,
        Map.of("cleanup.policy", "delete", "retention.ms", Long.toString(time.toMillis())));
  }
}
