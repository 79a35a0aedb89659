package ai.djl.pytorch.jni;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Calls the methods of a TorchScript module so that autograd records them.
 *
 * <p>The engine's public way ({@link IValueUtils}) runs a method in inference mode, which yields no
 * gradients; the native call that does not is package-private, hence this class's package.
 */
public final class ScriptMethods {
  private ScriptMethods() {}

  /**
   * Runs a method and returns its one tensor.
   *
   * @param arguments {@link NDArray}, {@link Number}, {@link Boolean}, {@link String}, {@code
   *     long[]}, {@code List<NDArray>}; trailing nulls stand for the method's defaults
   */
  public static NDArray tensor(
      PtSymbolBlock module, PtNDManager owner, String method, @Nullable Object... arguments) {
    try (IValue result = call(module, method, arguments)) {
      return result.toTensor(owner);
    }
  }

  /** Runs a method and returns its list or tuple of tensors; arguments as in {@link #tensor}. */
  public static NDList tensors(
      PtSymbolBlock module, PtNDManager owner, String method, @Nullable Object... arguments) {
    try (IValue result = call(module, method, arguments)) {
      return result.toNDList(owner);
    }
  }

  /** Runs a method whose result does not matter; arguments as in {@link #tensor}. */
  public static void run(PtSymbolBlock module, String method, @Nullable Object... arguments) {
    call(module, method, arguments).close();
  }

  private static IValue call(PtSymbolBlock module, String method, @Nullable Object... arguments) {
    int n = arguments.length;
    while (n > 0 && arguments[n - 1] == null) {
      n--;
    }
    PyTorchLibrary library = PyTorchLibrary.LIB;
    long[] handles = new long[n];
    int made = 0;
    try {
      for (; made < n; made++) {
        handles[made] = handle(library, method, arguments[made]);
      }
      return new IValue(library.moduleRunMethod(module.getHandle(), method, handles, true, false));
    } finally {
      for (int i = 0; i < made; i++) {
        library.torchDeleteIValue(handles[i]);
      }
    }
  }

  private static long handle(PyTorchLibrary library, String method, @Nullable Object argument) {
    return switch (argument) {
      case PtNDArray x -> library.iValueFromTensor(x.getHandle());
      case Double x -> library.iValueFromDouble(x);
      case Float x -> library.iValueFromDouble(x);
      case Integer x -> library.iValueFromLong(x);
      case Long x -> library.iValueFromLong(x);
      case Boolean x -> library.iValueFromBool(x);
      case String x -> library.iValueFromString(x);
      case long[] x -> library.iValueFromLongList(x);
      case List<?> x ->
          library.iValueFromTensorList(
              x.stream().mapToLong(each -> ((PtNDArray) each).getHandle()).toArray());
      case null ->
          throw new IllegalArgumentException(method + ": null before an argument that is set");
      default ->
          throw new IllegalArgumentException(method + ": cannot pass " + argument.getClass());
    };
  }
}
