package flora.schemas.document;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/** Reads JSON (RFC 8259) into a tree, strictly: one value, no duplicate names, bounded. */
public final class JsonDocument {

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  // the readers' own limit speaks first, with a pointer
                  .maxNestingDepth(Node.MAX_DEPTH + 2)
                  .maxStringLength(Node.MAX_BYTES)
                  .maxNumberLength(64)
                  .build())
          .build();

  private static final Pattern SOURCE = Pattern.compile(" ?\\([^()]*\\[Source: [^\\]]*\\]\\)");

  private final JsonParser parser;

  private JsonDocument(JsonParser parser) {
    this.parser = parser;
  }

  /**
   * Reads a document.
   *
   * @throws DocumentException when it is not one
   */
  public static Node read(byte[] utf8) {
    var text = Utf8Text.of(utf8);
    try (var parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      if (parser.nextToken() == null) {
        return new Node.Scalar("", Node.Style.NULL);
      }
      var root = new JsonDocument(parser).value("", 0);
      if (parser.nextToken() != null) {
        throw new DocumentException("", line(parser), "expected one JSON value, found another");
      }
      return root;
    } catch (JacksonException e) {
      var where = e.getLocation();
      throw where == null
          ? new DocumentException("", 0, "not JSON: " + wrong(e))
          : new DocumentException(
              "",
              where.getLineNr(),
              "not JSON: %s (column %d)".formatted(wrong(e), where.getColumnNr()));
    }
  }

  /** What the parser says, without what it says of itself. */
  private static String wrong(JacksonException e) {
    var said = String.valueOf(e.getOriginalMessage());
    return SOURCE.matcher(said).replaceAll("").strip();
  }

  private Node value(String pointer, int depth) {
    if (depth > Node.MAX_DEPTH) {
      throw new DocumentException(
          pointer, line(parser), "nested deeper than " + Node.MAX_DEPTH + " levels");
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(pointer, depth);
      case START_ARRAY -> array(pointer, depth);
      case VALUE_STRING -> new Node.Scalar(parser.getString(), Node.Style.QUOTED);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
          new Node.Scalar(parser.getString(), Node.Style.NUMBER);
      case VALUE_TRUE -> new Node.Scalar("true", Node.Style.FLAG);
      case VALUE_FALSE -> new Node.Scalar("false", Node.Style.FLAG);
      case VALUE_NULL -> new Node.Scalar("", Node.Style.NULL);
      case END_OBJECT, END_ARRAY, PROPERTY_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
          throw new DocumentException(pointer, line(parser), "expected a JSON value");
    };
  }

  private Node object(String pointer, int depth) {
    var fields = new FieldsBuilder(pointer);
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      var name = parser.currentName();
      int line = line(parser);
      parser.nextToken();
      fields.add(name, value(Node.pointer(pointer, name), depth + 1), line);
    }
    return fields.build();
  }

  private Node array(String pointer, int depth) {
    List<Node> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(value(pointer + "/" + items.size(), depth + 1));
    }
    return new Node.Items(items);
  }

  private static int line(JsonParser parser) {
    return parser.currentTokenLocation().getLineNr();
  }
}
