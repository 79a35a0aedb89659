package flora.tensors.pickle;

import flora.tensors.SafetensorsWriter;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.NoTensors;
import flora.tensors.pickle.PickleException.TooLarge;
import flora.tensors.pickle.PickleException.Unreadable;
import flora.tensors.pickle.PickleException.Unsupported;
import flora.tensors.pickle.Value.Dict;
import flora.tensors.pickle.Value.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a file that {@code torch.save} wrote, without running what the file says.
 *
 * <p>Which tensors: the file's object must be a mapping. The first of {@code state_dict}, {@code
 * model_state_dict}, {@code model}, {@code module} in it that is a mapping with a tensor of its own
 * is the checkpoint; without one it is the object itself. Its values that are tensors are the
 * tensors, under their keys; all else is listed as skipped. Tensors that share a storage are each
 * written in full.
 *
 * <p>The same file always gives the same bytes. For one thread.
 */
public final class PickledCheckpoint {

  private static final List<String> NESTED =
      List.of("state_dict", "model_state_dict", "model", "module");

  /** A zip file starts with the header of its first entry. */
  private static final byte[] ZIP = {'P', 'K', 3, 4};

  private final String file;
  private final ByteSource source;
  private final Contents contents;
  private final Map<String, TensorView> tensors;
  private final List<String> skipped;

  private PickledCheckpoint(
      String file,
      ByteSource source,
      Contents contents,
      Map<String, TensorView> tensors,
      List<String> skipped) {
    this.file = file;
    this.source = source;
    this.contents = contents;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.skipped = List.copyOf(skipped);
  }

  /**
   * Reads what a file holds, without its tensors' bytes. Throws a {@link PickleException} if it is
   * not a sound checkpoint of tensors or would do anything else than hold them.
   *
   * @param file its name, for messages
   */
  public static PickledCheckpoint open(String file, ByteSource source) {
    try {
      var contents = isZip(source) ? ZipCheckpoint.read(file, source) : legacy(file, source);
      return choose(file, source, contents);
    } catch (IOException e) {
      throw new Unreadable(file, e);
    }
  }

  private static boolean isZip(ByteSource source) throws IOException {
    var start = new byte[ZIP.length];
    if (source.size() < start.length) {
      return false;
    }
    source.read(0, start, 0, start.length);
    return Arrays.equals(start, ZIP);
  }

  private static Contents legacy(String file, ByteSource source) throws IOException {
    if (source.size() == 0) {
      throw new Malformed(file, PickleException.Defect.TRUNCATED, "it is empty");
    }
    return LegacyCheckpoint.read(file, source);
  }

  private static PickledCheckpoint choose(String file, ByteSource source, Contents contents) {
    if (!(contents.root() instanceof Dict root)) {
      throw new NoTensors(file, contents.root().kind());
    }
    var skipped = new ArrayList<String>();
    var prefix = "";
    var chosen = root;
    for (var name : NESTED) {
      if (root.items.get(name) instanceof Dict nested && hasTensor(nested)) {
        root.items.forEach(
            (key, value) -> {
              if (value != nested) {
                skipped.add(described(key, value));
              }
            });
        prefix = name + ".";
        chosen = nested;
        break;
      }
    }
    var tensors = new LinkedHashMap<String, TensorView>();
    for (var item : chosen.items.entrySet()) {
      if (item.getValue() instanceof Tensor(TensorView view)) {
        tensors.put(item.getKey(), view);
      } else {
        skipped.add(described(prefix + item.getKey(), item.getValue()));
      }
    }
    if (chosen.others > 0) {
      skipped.add("%d entries whose keys are no texts".formatted(chosen.others));
    }
    if (tensors.isEmpty()) {
      throw new NoTensors(
          file,
          skipped.isEmpty()
              ? "an empty dict"
              : "only " + String.join(", ", skipped.subList(0, Math.min(8, skipped.size()))));
    }
    checkAmounts(file, source, tensors);
    return new PickledCheckpoint(file, source, contents, tensors, skipped);
  }

  private static boolean hasTensor(Dict dict) {
    return dict.items.values().stream().anyMatch(Tensor.class::isInstance);
  }

  private static String described(String key, Value value) {
    var shown = key.length() > 100 ? key.substring(0, 100) + "…" : key;
    return "%s (%s)".formatted(shown, value.kind());
  }

  /** Views can repeat elements: a small file must not become a huge one. */
  private static void checkAmounts(
      String file, ByteSource source, Map<String, TensorView> tensors) {
    if (tensors.containsKey("__metadata__")) {
      throw new Unsupported(file, "has a tensor named __metadata__, which safetensors forbids");
    }
    long written = Limits.written(source.size());
    long gathered = Limits.gathered(source.size());
    for (var view : tensors.values()) {
      written -= Math.min(view.bytes(), written + 1);
      gathered -= Math.min(TensorBytes.cost(view), gathered + 1);
      if (written < 0) {
        throw new TooLarge(file, "bytes in all its tensors", Limits.written(source.size()));
      }
      if (gathered < 0) {
        throw new TooLarge(
            file, "bytes to read for tensors out of order", Limits.gathered(source.size()));
      }
    }
  }

  /** The name of the file. */
  public String file() {
    return file;
  }

  /** The names of the tensors, in the file's order. */
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  /** What stands beside the tensors and is not written, such as {@code epoch (a whole number)}. */
  public List<String> skipped() {
    return skipped;
  }

  /**
   * The same tensors as a safetensors file, with {@code format: pt} as the Python libraries expect.
   * Bytes are read from the source while they are written; then a {@link PickleException} still
   * tells of a damaged storage.
   */
  public SafetensorsWriter toSafetensors() {
    var writer = new SafetensorsWriter().metadata("format", "pt");
    tensors.forEach(
        (name, view) ->
            writer.add(name, view.dtype(), view.shape(), new TensorBytes(source, contents, view)));
    return writer;
  }
}
