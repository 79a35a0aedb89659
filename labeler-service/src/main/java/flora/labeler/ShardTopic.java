package flora.labeler;

import static java.nio.charset.StandardCharsets.UTF_8;

import flora.schemas.Json;
import flora.schemas.Topics;
import flora.schemas.work.LabelShard;
import flora.stage.Outbox;
import flora.stage.WorkTopic;
import java.time.Clock;
import java.util.LinkedHashMap;

/** Tells everybody that a part of a labelling waits. */
final class ShardTopic {

  /** Who shares the parts. */
  static final WorkTopic SHARDS =
      new WorkTopic(Topics.LABEL_SHARDS, Topics.LABEL_SHARD_GROUP, "label-shards");

  static final String DEAD_LETTERS =
      Topics.deadLetters(Topics.LABEL_SHARDS, Topics.LABEL_SHARD_GROUP);

  private final Outbox outbox;
  private final Clock clock;

  ShardTopic(Outbox outbox, Clock clock) {
    this.outbox = outbox;
    this.clock = clock;
  }

  /** Returns when the broker has it. */
  void tell(LabelShard shard) {
    var headers = new LinkedHashMap<String, byte[]>();
    headers.put("ce_specversion", "1.0".getBytes(UTF_8));
    headers.put("ce_id", (shard.key() + "/shard").getBytes(UTF_8));
    headers.put("ce_type", "io.flora.label.shard.v1".getBytes(UTF_8));
    headers.put("ce_source", "/flora/labeler".getBytes(UTF_8));
    headers.put("ce_time", clock.instant().toString().getBytes(UTF_8));
    headers.put("content-type", "application/json".getBytes(UTF_8));
    outbox.send(SHARDS.topic(), shard.key(), headers, Json.bytes(shard));
  }
}
