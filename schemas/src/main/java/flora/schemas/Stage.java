package flora.schemas;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The three stages of a run, in the order they happen. */
public enum Stage {
  @JsonProperty("fetch")
  FETCH("fetch", "fetcher", Topics.FETCH_REQUESTS, Topics.FETCH_EVENTS, "bytes"),
  @JsonProperty("label")
  LABEL("label", "labeler", Topics.LABEL_REQUESTS, Topics.LABEL_EVENTS, "images"),
  @JsonProperty("train")
  TRAIN("train", "trainer", Topics.TRAIN_REQUESTS, Topics.TRAINING_EVENTS, "steps");

  private final String id;
  private final String group;
  private final String requests;
  private final String events;
  private final String unit;

  Stage(String id, String group, String requests, String events, String unit) {
    this.id = id;
    this.group = group;
    this.requests = requests;
    this.events = events;
    this.unit = unit;
  }

  /** The name on the wire: {@code fetch}, {@code label}, {@code train}. */
  public String id() {
    return id;
  }

  /** The share group that takes this stage's work, and the name of its service. */
  public String group() {
    return group;
  }

  /** The topic its work is asked for on. */
  public String requests() {
    return requests;
  }

  /** The topic it tells its progress on. */
  public String events() {
    return events;
  }

  /** What its progress counts. */
  public String unit() {
    return unit;
  }
}
