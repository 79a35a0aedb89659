package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import flora.schemas.Names;
import flora.schemas.RunId;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An adapter that is there, and how strongly it acts; written {@code SOURCE}, {@code SOURCE:S} or
 * {@code SOURCE:S:T}.
 *
 * @param source the run that trained it, or the name of an uploaded file
 * @param unet how strongly in the denoiser, 1 = as trained
 * @param textEncoder the same in the text encoder; {@code unet} where it is not written
 */
public record AdapterUse(String source, double unet, double textEncoder) {

  private static final String NUMBER = "([-+]?(?:\\d{1,6}\\.?\\d{0,9}|\\.\\d{1,9}))";
  private static final Pattern WRITTEN =
      Pattern.compile("([^:]+)(?::" + NUMBER + ")?(?::" + NUMBER + ")?");

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException when it is none
   */
  @JsonCreator
  public static AdapterUse parse(String text) {
    var parts = WRITTEN.matcher(text.strip());
    if (!parts.matches() || !(isRun(parts.group(1)) || Names.isSafe(parts.group(1)))) {
      throw new IllegalArgumentException(
          "expected the id of a run or the name of an uploaded file, with :STRENGTH or not");
    }
    double unet = number(parts.group(2), 1);
    return new AdapterUse(parts.group(1), unet, number(parts.group(3), unet));
  }

  private static double number(@Nullable String text, double otherwise) {
    return text == null ? otherwise : Double.parseDouble(text);
  }

  /** The run that trained it; null for an uploaded file. */
  public @Nullable RunId run() {
    return isRun(source) ? new RunId(source) : null;
  }

  private static boolean isRun(String text) {
    try {
      return new RunId(text).value().equals(text);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Override
  @JsonValue
  public String toString() {
    return "%s:%s:%s".formatted(source, unet, textEncoder);
  }
}
