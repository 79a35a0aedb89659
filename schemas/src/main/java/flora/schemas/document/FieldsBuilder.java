package flora.schemas.document;

import java.util.LinkedHashMap;

/** Collects the fields of one object and refuses a name that comes twice. */
final class FieldsBuilder {

  private final LinkedHashMap<String, Node> values = new LinkedHashMap<>();
  private final String pointer;

  FieldsBuilder(String pointer) {
    this.pointer = pointer;
  }

  void add(String name, Node value, int line) {
    if (values.putIfAbsent(name, value) != null) {
      throw new DocumentException(
          Node.pointer(pointer, name), line, "the key '" + name + "' stands here twice");
    }
  }

  Node.Fields build() {
    return new Node.Fields(values);
  }
}
