package flora.models.aten;

import ai.djl.ndarray.NDArray;
import flora.models.aten.ComputeDevice.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Where the calling thread's new arrays lie while this is open: those of {@link Aten#of}, {@link
 * Aten#scalar} and {@link Aten#mapFile}. Results of operators lie where their operands do, so a
 * network works on the device on which its weights were opened.
 *
 * <pre>{@code
 * try (var _ = Placement.on(device)) {
 *   unet = UNet.open(folder);
 * }
 * }</pre>
 */
public final class Placement implements AutoCloseable {
  private static final ThreadLocal<@Nullable Placement> CURRENT = new ThreadLocal<>();

  private final ComputeDevice device;
  private final @Nullable Placement before;

  private Placement(ComputeDevice device) {
    this.device = device;
    before = CURRENT.get();
    CURRENT.set(this);
  }

  /** From now on, until closed; placements nest. */
  public static Placement on(ComputeDevice device) {
    return new Placement(device);
  }

  /** Where this thread's new arrays lie now; the processor where nothing else was said. */
  public static ComputeDevice current() {
    Placement placement = CURRENT.get();
    return placement == null ? ComputeDevice.cpu() : placement.device;
  }

  /** Moves an array that was just made on the processor, and that nobody else has seen. */
  static NDArray place(NDArray made) {
    ComputeDevice device = current();
    if (device.kind() == Kind.CPU) {
      return made;
    }
    try (made) {
      return Aten.to(made, device);
    }
  }

  @Override
  public void close() {
    if (before == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(before);
    }
  }
}
