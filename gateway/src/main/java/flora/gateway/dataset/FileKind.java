package flora.gateway.dataset;

import java.util.Locale;
import java.util.Set;

/** What a file in a dataset's folder is, told by its name alone. */
public enum FileKind {
  /** A picture. */
  IMAGE,
  /** Captions: {@code metadata.csv}, {@code metadata.jsonl}, or the text beside a picture. */
  CAPTIONS,
  /** {@code flora.yaml}: what to do with the folder. */
  REQUEST,
  /** Nothing that is read. */
  OTHER;

  /** The endings of pictures. */
  public static final Set<String> IMAGES =
      Set.of("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff");

  /** The kind of a file by its name or key. */
  public static FileKind of(String key) {
    var name = key.substring(key.lastIndexOf('/') + 1);
    if (name.startsWith(".")) {
      return OTHER;
    }
    if (name.equals("flora.yaml") || name.equals("flora.yml")) {
      return REQUEST;
    }
    if (name.equals("metadata.csv") || name.equals("metadata.jsonl")) {
      return CAPTIONS;
    }
    var ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    if (IMAGES.contains(ending)) {
      return IMAGE;
    }
    return ending.equals("txt") || ending.equals("caption") ? CAPTIONS : OTHER;
  }
}
