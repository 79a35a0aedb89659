package flora.gateway.dataset;

import flora.schemas.dataset.PictureNames;
import java.util.Locale;

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
    if (PictureNames.isOne(name)) {
      return IMAGE;
    }
    var lower = name.toLowerCase(Locale.ROOT);
    return lower.endsWith(".txt") || lower.endsWith(".caption") ? CAPTIONS : OTHER;
  }
}
