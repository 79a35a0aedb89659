package flora.schemas.document;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.dataformat.toml.TomlFactory;

/** Reads TOML 1.0 into a tree: numbers and flags as JSON's, dates as the text that they are. */
public final class TomlDocument {

  private static final TomlFactory FACTORY =
      TomlFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(Node.MAX_DEPTH + 2)
                  .maxStringLength(Node.MAX_BYTES)
                  .maxNumberLength(64)
                  .build())
          .build();

  private final JsonParser parser;

  private TomlDocument(JsonParser parser) {
    this.parser = parser;
  }

  /**
   * Reads a document; an empty one has no fields.
   *
   * @throws DocumentException when it is not one
   */
  public static Node read(byte[] utf8) {
    var text = Utf8Text.of(utf8);
    try (var parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      parser.nextToken();
      return new TomlDocument(parser).value("", 0);
    } catch (JacksonException e) {
      var where = e.getLocation();
      int line = where == null ? 0 : Math.max(0, where.getLineNr());
      throw new DocumentException("", line, "not TOML: " + wrong(e));
    }
  }

  /** The first line of what the parser says; the rest is about itself. */
  private static String wrong(JacksonException e) {
    return String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("").strip();
  }

  private Node value(String pointer, int depth) {
    if (depth > Node.MAX_DEPTH) {
      throw new DocumentException(pointer, 0, "nested deeper than " + Node.MAX_DEPTH + " levels");
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(pointer, depth);
      case START_ARRAY -> array(pointer, depth);
      case VALUE_STRING, VALUE_EMBEDDED_OBJECT ->
          new Node.Scalar(parser.getString(), Node.Style.QUOTED);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
          new Node.Scalar(parser.getString(), Node.Style.NUMBER);
      case VALUE_TRUE -> new Node.Scalar("true", Node.Style.FLAG);
      case VALUE_FALSE -> new Node.Scalar("false", Node.Style.FLAG);
      case VALUE_NULL, END_OBJECT, END_ARRAY, PROPERTY_NAME, NOT_AVAILABLE ->
          throw new DocumentException(pointer, 0, "expected a TOML value");
    };
  }

  private Node object(String pointer, int depth) {
    var fields = new FieldsBuilder(pointer);
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      var name = parser.currentName();
      parser.nextToken();
      fields.add(name, value(Node.pointer(pointer, name), depth + 1), 0);
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
}
