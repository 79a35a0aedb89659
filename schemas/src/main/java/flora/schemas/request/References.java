package flora.schemas.request;

import flora.schemas.ErrorCode;
import flora.schemas.Names;
import flora.schemas.RepoReference;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How a request points at things: repositories, model files, folders on somebody's disk. */
final class References {

  private static final Pattern WELL_KNOWN =
      Pattern.compile("v1-5-pruned[a-z0-9._-]*\\.(?:safetensors|ckpt)");
  private static final Pattern MODEL_FILE =
      Pattern.compile(".*\\.(?:safetensors|ckpt|pt|pth|bin|onnx|gguf)", Pattern.CASE_INSENSITIVE);

  /** The repository that has the single-file forms of Stable Diffusion 1.5. */
  static final String STABLE_DIFFUSION = "stable-diffusion-v1-5/stable-diffusion-v1-5";

  private References() {}

  /** The file that a path names when everybody knows it; null for any other. */
  static @Nullable String wellKnownFile(String text) {
    var file = lastPart(text).toLowerCase(Locale.ROOT);
    return isPath(text) && WELL_KNOWN.matcher(file).matches() ? file : null;
  }

  /** Checks a repository reference and returns it in its shortest form. */
  static String repository(String key, String pointer, String text) {
    if (text.startsWith("s3://")) {
      throw RequestException.unsupported(
          pointer,
          key + ": models from s3:// are not read yet",
          "name a repository, owner/name[@revision]");
    }
    if (isPath(text)) {
      throw path(key, pointer);
    }
    try {
      return RepoReference.parse(text).toString();
    } catch (IllegalArgumentException e) {
      throw RequestException.invalid(
          pointer,
          "%s must be a repository, owner/name[@revision]: %s".formatted(key, e.getMessage()),
          null);
    }
  }

  /** The same, where a dataset repository will do as well. */
  static String modelOrDataset(String key, String pointer, String text) {
    var prefix = ModelSource.DATASET_PREFIX;
    return text.startsWith(prefix)
        ? prefix + repository(key, pointer, text.substring(prefix.length()))
        : repository(key, pointer, text);
  }

  /** Whether a text names a file or folder, as no repository is written. */
  static boolean isPath(String text) {
    return text.startsWith(".")
        || text.startsWith("/")
        || text.startsWith("~")
        || text.contains("\\")
        || text.indexOf(':') == 1
        || (MODEL_FILE.matcher(text).matches() && !text.contains("@"));
  }

  private static RequestException path(String key, String pointer) {
    return new RequestException(
        ErrorCode.MODEL_NOT_FOUND,
        pointer,
        key
            + " is a path, and none of what a path can name is there: a file on your disk (this"
            + " server does not see it), an object in flora-models, a well-known file"
            + " (v1-5-pruned*.safetensors)",
        "name a repository, owner/name[@revision]");
  }

  /** The last part of a path of either kind of slash, without the slashes at its end. */
  static String lastPart(String path) {
    var parts = path.split("[/\\\\]+");
    return parts.length == 0 ? "" : parts[parts.length - 1];
  }

  /** Whether a path starts at the root of somebody's disk. */
  static boolean isAbsolute(String path) {
    return path.startsWith("/")
        || path.startsWith("\\")
        || path.startsWith("~")
        || path.indexOf(':') == 1;
  }

  /** A name of ours from the last part of a path or of a repository's id. */
  static String nameFrom(String key, String pointer, String path) {
    var name = lastPart(path).toLowerCase(Locale.ROOT);
    return checkedName(key, pointer, name);
  }

  /** A name as it was written. */
  static String checkedName(String key, String pointer, String name) {
    if (!Names.isSafe(name)) {
      throw RequestException.invalid(
          pointer,
          "%s gives the name \"%s\", which is not %s"
              .formatted(key, name.length() > 40 ? name.substring(0, 40) + "…" : name, Names.RULE),
          "use lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit");
    }
    return name;
  }
}
