package flora.models.aten;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The memory outside Java's heap that arrays lie in. The launcher has glibc keep what a step frees,
 * since the next step needs it again; after the last one somebody has to say so.
 */
public final class NativeHeap {
  private static final Optional<MethodHandle> TRIM = trim();

  private NativeHeap() {}

  /** Gives what nobody uses back to the system; does nothing where there is no glibc. */
  public static void giveBack() {
    if (TRIM.isEmpty()) {
      return;
    }
    try {
      int _ = (int) TRIM.get().invokeExact(0L);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("cannot call malloc_trim", e);
    }
  }

  @SuppressWarnings("restricted") // the launcher allows native access
  private static Optional<MethodHandle> trim() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("malloc_trim")
        .map(
            address ->
                linker.downcallHandle(
                    address, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG)));
  }
}
