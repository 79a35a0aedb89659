package flora.schemas.dataset;

import java.util.List;
import java.util.Locale;

/**
 * What people mean by a picture, told by a file's name alone. Some kinds cannot be decoded: they
 * are taken in and left out of the dataset by name, with the reason, and not lost without a word.
 */
public final class PictureNames {

  /** The endings, in lower case. */
  public static final List<String> ENDINGS =
      List.of(
          "avif", "bmp", "gif", "heic", "heif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff",
          "webp");

  private PictureNames() {}

  /** Whether a name, with or without folders before it, is that of a picture. */
  public static boolean isOne(String name) {
    int dot = name.lastIndexOf('.');
    return dot > name.lastIndexOf('/')
        && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
  }
}
