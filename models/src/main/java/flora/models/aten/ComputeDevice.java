package flora.models.aten;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What computes: the processor, or one of the graphics cards.
 *
 * <p>The processor may be named several times ({@code cpu:0}, {@code cpu:1}); these are devices of
 * their own for whoever shares work out, and one for the engine.
 *
 * @param index counted from 0
 */
public record ComputeDevice(Kind kind, int index) {

  /** Kinds of devices. */
  public enum Kind {
    CPU,
    CUDA
  }

  private static final Pattern NAME = Pattern.compile("(cpu|cuda)(?::(\\d{1,3}))?");

  public ComputeDevice {
    if (index < 0) {
      throw new IllegalArgumentException("the index of a device is 0 or more, not " + index);
    }
  }

  /** The processor. */
  public static ComputeDevice cpu() {
    return new ComputeDevice(Kind.CPU, 0);
  }

  /**
   * Reads {@code cpu}, {@code cuda}, {@code cpu:1}, {@code cuda:0}, …
   *
   * @throws IllegalArgumentException naming what is expected
   */
  public static ComputeDevice parse(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "\"%s\" is no device; expected cpu, cuda or one of them with a number, as cuda:0"
              .formatted(name));
    }
    Kind kind = Kind.valueOf(matcher.group(1).toUpperCase(Locale.ROOT));
    String index = matcher.group(2);
    return new ComputeDevice(kind, index == null ? 0 : Integer.parseInt(index));
  }

  /** The engine's name of it; PyTorch knows one processor only. */
  String forTorch() {
    return kind == Kind.CPU ? "cpu" : "cuda:" + index;
  }

  /** {@code cpu}, {@code cpu:1}, {@code cuda:0}; {@link #parse} reads it. */
  @Override
  public String toString() {
    return kind == Kind.CPU && index == 0
        ? "cpu"
        : kind.name().toLowerCase(Locale.ROOT) + ":" + index;
  }
}
