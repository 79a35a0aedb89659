package flora.schemas.document;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads YAML into a tree from its parse events, so that nothing is ever constructed: no tags, no
 * anchors and aliases, no directives, one document, no duplicate keys.
 */
public final class YamlDocument {

  /** What YAML 1.2's core schema calls null. */
  private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");

  private final Iterator<Event> events;

  private YamlDocument(Iterator<Event> events) {
    this.events = events;
  }

  /**
   * Reads a document; an empty one is null.
   *
   * @throws DocumentException when it is not one
   */
  public static Node read(byte[] utf8) {
    var settings = LoadSettings.builder().setCodePointLimit(Node.MAX_BYTES).build();
    var text = Utf8Text.of(utf8);
    try {
      return new YamlDocument(new Parse(settings).parseString(text).iterator()).document();
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(m -> m.getLine() + 1).orElse(0);
      throw new DocumentException("", line, "not YAML: " + e.getProblem());
    } catch (YamlEngineException e) {
      throw new DocumentException("", 0, "not YAML: " + e.getMessage());
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      // the scanner stumbles over escapes of characters that do not exist, such as "\\UFFFFFFFF"
      throw new DocumentException("", 0, "not YAML: a character that does not exist");
    }
  }

  private Node document() {
    events.next(); // stream start
    if (!(events.next() instanceof DocumentStartEvent start)) {
      return new Node.Scalar("", Node.Style.NULL);
    }
    if (start.getSpecVersion().isPresent() || !start.getTags().isEmpty()) {
      throw new DocumentException("", line(start), "directives (%YAML, %TAG) are not accepted");
    }
    var root = value(events.next(), "", 0);
    events.next(); // document end
    var last = events.next();
    if (last.getEventId() != Event.ID.StreamEnd) {
      throw new DocumentException("", line(last), "expected one document, found another");
    }
    return root;
  }

  private Node value(Event event, String pointer, int depth) {
    if (depth > Node.MAX_DEPTH) {
      throw new DocumentException(
          pointer, line(event), "nested deeper than " + Node.MAX_DEPTH + " levels");
    }
    refuseReferences(event, pointer);
    return switch (event.getEventId()) {
      case Scalar -> scalar((ScalarEvent) event, pointer);
      case SequenceStart -> items((CollectionStartEvent) event, pointer, depth);
      case MappingStart -> fields((CollectionStartEvent) event, pointer, depth);
      case Alias,
          Comment,
          DocumentEnd,
          DocumentStart,
          MappingEnd,
          SequenceEnd,
          StreamEnd,
          StreamStart ->
          throw new DocumentException(pointer, line(event), "expected a value");
    };
  }

  private static Node scalar(ScalarEvent scalar, String pointer) {
    refuseTag(scalar.getTag().isPresent(), scalar, pointer);
    if (!scalar.isPlain()) {
      return new Node.Scalar(scalar.getValue(), Node.Style.QUOTED);
    }
    var style = NULLS.contains(scalar.getValue()) ? Node.Style.NULL : Node.Style.PLAIN;
    return new Node.Scalar(scalar.getValue(), style);
  }

  private Node items(CollectionStartEvent start, String pointer, int depth) {
    refuseTag(start.getTag().isPresent(), start, pointer);
    List<Node> items = new ArrayList<>();
    for (var event = events.next();
        event.getEventId() != Event.ID.SequenceEnd;
        event = events.next()) {
      items.add(value(event, pointer + "/" + items.size(), depth + 1));
    }
    return new Node.Items(items);
  }

  private Node fields(CollectionStartEvent start, String pointer, int depth) {
    refuseTag(start.getTag().isPresent(), start, pointer);
    var fields = new FieldsBuilder(pointer);
    for (var event = events.next();
        event.getEventId() != Event.ID.MappingEnd;
        event = events.next()) {
      refuseReferences(event, pointer);
      if (!(event instanceof ScalarEvent key)) {
        throw new DocumentException(pointer, line(event), "a key must be plain text");
      }
      refuseTag(key.getTag().isPresent(), key, pointer);
      var name = key.getValue();
      fields.add(name, value(events.next(), Node.pointer(pointer, name), depth + 1), line(key));
    }
    return fields.build();
  }

  private static void refuseReferences(Event event, String pointer) {
    if (event instanceof AliasEvent
        || (event instanceof NodeEvent node && node.getAnchor().isPresent())) {
      throw new DocumentException(
          pointer,
          line(event),
          "anchors (&name) and aliases (*name) are not accepted; write the value out");
    }
  }

  private static void refuseTag(boolean tagged, Event event, String pointer) {
    if (tagged) {
      throw new DocumentException(
          pointer, line(event), "tags (!name) are not accepted; leave the tag out");
    }
  }

  private static int line(Event event) {
    return event.getStartMark().map(m -> m.getLine() + 1).orElse(0);
  }
}
