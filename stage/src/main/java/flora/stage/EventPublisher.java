package flora.stage;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Json;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.run.RunEvent;
import flora.schemas.work.Work;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes events and work: plain JSON keyed by the run, CloudEvents attributes in the headers
 * (binary mode, plain UTF-8).
 */
final class EventPublisher {

  private final Outbox outbox;
  private final Stage speaker;

  /**
   * @param speaker whose service speaks, and whose topic its events go to
   */
  EventPublisher(Outbox outbox, Stage speaker) {
    this.outbox = outbox;
    this.speaker = speaker;
  }

  /** An event of this stage, or of the run as a whole; returns when the broker has it. */
  void publish(Event event) {
    var ofRun = event instanceof RunEvent;
    var subject = ofRun ? "run" : speaker.id();
    outbox.send(
        ofRun ? Topics.RUN_EVENTS : speaker.events(),
        event.runId().value(),
        headers(
            "%s/%s/%d/%d".formatted(event.runId(), subject, event.attempt(), event.seq()),
            "io.flora.%s.%s.v1".formatted(subject, variant(event)),
            event.at()),
        Json.bytes(event));
  }

  /** Asks a stage to work; returns when the broker has it. */
  void ask(Work work, Instant now) {
    outbox.send(
        work.stage().requests(),
        work.runId().value(),
        headers(
            "%s/%s/%d/0".formatted(work.runId(), work.stage().id(), work.attempt()),
            "io.flora.%s.requested.v1".formatted(work.stage().id()),
            now),
        Json.bytes(work));
  }

  private Map<String, byte[]> headers(String id, String type, Instant time) {
    var headers = new LinkedHashMap<String, byte[]>();
    headers.put("ce_specversion", "1.0".getBytes(UTF_8));
    headers.put("ce_id", id.getBytes(UTF_8));
    headers.put("ce_type", type.getBytes(UTF_8));
    headers.put("ce_source", ("/flora/" + speaker.group()).getBytes(UTF_8));
    headers.put("ce_time", time.toString().getBytes(UTF_8));
    headers.put("content-type", "application/json".getBytes(UTF_8));
    return headers;
  }

  private static String variant(Event event) {
    var name = event.getClass().getAnnotation(JsonTypeName.class);
    if (name == null) {
      throw new IllegalArgumentException("an event without a type name: " + event.getClass());
    }
    return name.value();
  }
}
