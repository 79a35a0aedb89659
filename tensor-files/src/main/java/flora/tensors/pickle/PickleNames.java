package flora.tensors.pickle;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What pickled weights are called once they are safetensors, as Hugging Face's conversion names
 * them: {@code pytorch_model-00001-of-00002.bin} becomes {@code model-00001-of-00002.safetensors}.
 */
public final class PickleNames {

  private static final Pattern BIN =
      Pattern.compile(
          "(?<base>.+?)(?<rest>(\\.(fp16|bf16|ema|non_ema))?(-\\d+-of-\\d+)?(\\.(fp16|bf16|ema|non_ema))?)\\.(bin|ckpt|pt|pth)");
  private static final Pattern INDEX =
      Pattern.compile("(?<base>.+?)\\.bin\\.index(?<variant>\\.[^.]+)?\\.json");
  private static final ObjectMapper JSON = JsonMapper.shared();

  private PickleNames() {}

  /** The converted name of a file of weights, folders kept; empty if it is not named as one. */
  public static Optional<String> safetensors(String path) {
    return renamed(path, BIN)
        .map(m -> folder(path) + base(m.group("base")) + m.group("rest") + ".safetensors");
  }

  /** The converted name of an index of shards, folders kept; empty if it is not named as one. */
  public static Optional<String> safetensorsIndex(String path) {
    return renamed(path, INDEX)
        .map(
            m ->
                folder(path)
                    + base(m.group("base"))
                    + ".safetensors.index"
                    + (m.group("variant") == null ? "" : m.group("variant"))
                    + ".json");
  }

  /**
   * An index whose {@code weight_map} names the converted files; all else stays. Throws a {@link
   * PickleException} if it is no index.
   *
   * @param file its name, for messages
   */
  public static byte[] rewriteIndex(String file, byte[] index) {
    try {
      if (JSON.readTree(index) instanceof ObjectNode root
          && root.get("weight_map") instanceof ObjectNode map) {
        for (var shard : map.properties()) {
          var name = shard.getValue().asString("");
          shard.setValue(
              map.stringNode(
                  safetensors(name)
                      .orElseThrow(() -> bad(file, "it names the shard \"%s\"".formatted(name)))));
        }
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root);
      }
    } catch (JacksonException e) {
      throw bad(file, "it is not JSON");
    }
    throw bad(file, "it has no weight_map");
  }

  private static Optional<Matcher> renamed(String path, Pattern pattern) {
    var matcher = pattern.matcher(path.substring(folder(path).length()));
    return matcher.matches() ? Optional.of(matcher) : Optional.empty();
  }

  private static String folder(String path) {
    return path.substring(0, path.lastIndexOf('/') + 1);
  }

  private static String base(String base) {
    return base.equals("pytorch_model") ? "model" : base;
  }

  private static PickleException bad(String file, String detail) {
    return new PickleException.Malformed(file, PickleException.Defect.BAD_STORAGE, detail);
  }
}
