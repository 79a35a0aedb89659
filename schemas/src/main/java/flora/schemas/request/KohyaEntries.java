package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.document.Node.Style;
import flora.schemas.request.GivenKeys.Entry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * The names of a configuration file of {@code kohya-ss/sd-scripts}: those of all sections beside
 * one another, {@code network_args} and {@code optimizer_args} taken apart, and what is said there
 * by its opposite turned round. A {@code [[datasets]]} of one {@code [[datasets.subsets]]} says the
 * same as its keys at the top.
 */
final class KohyaEntries {

  /** Switches that say the opposite of our key. */
  private static final List<String> OPPOSITES =
      List.of("network_train_unet_only", "network_train_text_encoder_only", "random_crop");

  /** Of what has no rate. */
  private static final String LEARNING_RATE = "2e-6";

  private static final Node NOTHING = new Node.Scalar("", Style.NULL);

  private final SequencedMap<String, Entry> entries = new LinkedHashMap<>();

  private KohyaEntries() {}

  static List<Entry> of(Node.Fields document) {
    var all = new KohyaEntries();
    document.values().forEach((name, node) -> all.addTop(name, Node.pointer("", name), node));
    all.settleRates();
    all.settleLength();
    return List.copyOf(all.entries.values());
  }

  private void addTop(String name, String pointer, Node node) {
    if (name.equals("datasets")) {
      addDataset(one(name, pointer, node));
    } else if (node instanceof Node.Fields(var section)) {
      section.forEach((key, value) -> add(key, Node.pointer(pointer, key), value));
    } else {
      add(name, pointer, node);
    }
  }

  private record Table(String pointer, Node.Fields fields) {}

  private void addDataset(Table dataset) {
    dataset
        .fields()
        .values()
        .forEach(
            (name, node) -> {
              var pointer = Node.pointer(dataset.pointer(), name);
              if (name.equals("subsets")) {
                var subset = one(name, pointer, node);
                subset
                    .fields()
                    .values()
                    .forEach((key, value) -> add(key, Node.pointer(subset.pointer(), key), value));
              } else {
                add(name.equals("batch_size") ? "train_batch_size" : name, pointer, node);
              }
            });
  }

  private static Table one(String name, String pointer, Node node) {
    if (node instanceof Node.Items(var items)
        && items.size() == 1
        && items.getFirst() instanceof Node.Fields fields) {
      return new Table(pointer + "/0", fields);
    }
    if (node instanceof Node.Items(var items) && items.size() > 1) {
      throw RequestException.unsupported(
          pointer,
          "%s: %d of them are known, but this version trains on one".formatted(name, items.size()),
          "put the pictures into one folder");
    }
    throw RequestException.invalid(
        pointer, "%s must be a list of one table, not %s".formatted(name, Shape.shown(node)), null);
  }

  private void add(String name, String pointer, Node node) {
    if (node instanceof Node.Scalar(String text, Style _) && text.isEmpty()) {
      return; // an empty text is what their interface writes for nothing
    }
    if (name.equals("network_args") || name.equals("optimizer_args")) {
      arguments(pointer, node).forEach((key, value) -> addArgument(name, key, pointer, value));
      return;
    }
    entries.put(name, new Entry(name, pointer, meant(name, node)));
  }

  /** {@code ["conv_dim=4", "conv_alpha=1"]}, or the same in one text with blanks between. */
  private static Map<String, String> arguments(String pointer, Node node) {
    var texts =
        switch (node) {
          case Node.Items(var items) ->
              items.stream()
                  .map(item -> item instanceof Node.Scalar(String text, Style _) ? text : "")
                  .toList();
          case Node.Scalar(String text, Style _) -> List.of(text.strip().split("\\s+"));
          case Node.Fields _ -> List.of("");
        };
    var arguments = new LinkedHashMap<String, String>();
    for (var text : texts) {
      var sides = text.split("=", 2);
      if (sides.length < 2 || sides[0].isBlank()) {
        throw RequestException.invalid(
            pointer, "arguments must be a list of texts such as \"conv_dim=4\"", null);
      }
      arguments.put(sides[0].strip(), sides[1].strip());
    }
    return arguments;
  }

  private void addArgument(String of, String key, String pointer, String value) {
    if (of.equals("optimizer_args") && key.equals("betas")) {
      var betas = value.replaceAll("[()\\[\\]]", "").split(",");
      if (betas.length != 2) {
        throw RequestException.invalid(
            pointer, "betas must be two numbers with a comma between", null);
      }
      addArgument(of, "beta1", pointer, betas[0].strip());
      addArgument(of, "beta2", pointer, betas[1].strip());
      return;
    }
    var name = of + "." + key;
    entries.put(name, new Entry(name, pointer, new Node.Scalar(value, Style.PLAIN)));
  }

  private static Node meant(String name, Node node) {
    if (OPPOSITES.contains(name)) {
      var flag = new Shape.Flag().readOrNull(node);
      return flag == null
          ? node
          : new Node.Scalar(flag.equals(true) ? "false" : "true", Style.FLAG);
    }
    return switch (name) {
      case "v_parameterization" -> {
        var flag = new Shape.Flag().readOrNull(node);
        yield flag == null
            ? node
            : flag.equals(true) ? new Node.Scalar("v_prediction", Style.QUOTED) : NOTHING;
      }
      case "save_precision" ->
          node instanceof Node.Scalar(String text, Style _) && text.equals("float")
              ? new Node.Scalar("fp32", Style.QUOTED)
              : node;
      // a list of one for each text encoder, of which there is one
      case "text_encoder_lr" ->
          node instanceof Node.Items(var items) && items.size() == 1 ? items.getFirst() : node;
      // nought switches it off
      case "min_snr_gamma" ->
          Double.valueOf(0).equals(Shapes.within(0, 0).readOrNull(node)) ? NOTHING : node;
      default -> node;
    };
  }

  /** {@code learning_rate} is that of the networks which have none of their own. */
  private void settleRates() {
    var all = entries.remove("learning_rate");
    if (all != null && !entries.containsKey("unet_lr")) {
      entries.put("unet_lr", new Entry("unet_lr", all.pointer(), all.node()));
    }
    if (entries.containsKey("text_encoder_lr") || !trainsTextEncoder()) {
      return;
    }
    if (all != null) {
      entries.put("text_encoder_lr", new Entry("text_encoder_lr", all.pointer(), all.node()));
    } else if (entries.containsKey("unet_lr")) {
      var usual = new Node.Scalar(LEARNING_RATE, Style.NUMBER);
      entries.put("text_encoder_lr", new Entry("text_encoder_lr", "/text_encoder_lr", usual));
    }
  }

  private boolean trainsTextEncoder() {
    return Stream.of(entries.get("network_train_unet_only"))
        .noneMatch(
            e ->
                e != null
                    && e.node() instanceof Node.Scalar(String text, _)
                    && text.equals("false"));
  }

  /** {@code max_train_epochs} wins. */
  private void settleLength() {
    var epochs = entries.get("max_train_epochs");
    if (epochs != null && !epochs.node().isNull()) {
      entries.remove("max_train_steps");
    }
  }
}
