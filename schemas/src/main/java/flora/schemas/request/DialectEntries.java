package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.request.GivenKeys.Entry;
import java.util.ArrayList;
import java.util.List;

/** The names at the top of a document, where a dialect says a thing by another value than we do. */
final class DialectEntries {

  /** What diffusers' {@code EMAModel} is made with. */
  private static final String EMA_DECAY = "0.9999";

  private static final Node NOTHING = new Node.Scalar("", Node.Style.NULL);

  private DialectEntries() {}

  /** Ours: as they stand there. */
  static List<Entry> flora(Node.Fields document) {
    var entries = new ArrayList<Entry>();
    document
        .values()
        .forEach((name, node) -> entries.add(new Entry(name, Node.pointer("", name), node)));
    return entries;
  }

  /** Those of diffusers: {@code use_ema} is a rate of ours. */
  static List<Entry> diffusers(Node.Fields document) {
    return flora(document).stream().map(DialectEntries::ofDiffusers).toList();
  }

  private static Entry ofDiffusers(Entry entry) {
    return entry.name().equals("use_ema")
            && new Shape.Flag().readOrNull(entry.node()) instanceof Boolean isOn
        ? new Entry(
            entry.name(),
            entry.pointer(),
            isOn ? new Node.Scalar(EMA_DECAY, Node.Style.NUMBER) : NOTHING)
        : entry;
  }
}
