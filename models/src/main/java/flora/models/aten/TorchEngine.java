package flora.models.aten;

import ai.djl.engine.Engine;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * The process's one PyTorch engine with the operator archive loaded.
 *
 * <p>The native libraries come from the class path, never from the network ({@code
 * ai.djl.offline}); {@code ai.djl.pytorch.num_threads} is read once, at start.
 */
final class TorchEngine {
  /** What holds every array that no other manager owns. */
  static final PtNDManager MANAGER;

  static final PtSymbolBlock OPERATORS;

  /** Graph executor and grad mode are per native thread: each thread passes here once. */
  private static final ThreadLocal<Boolean> PREPARED =
      ThreadLocal.withInitial(
          () -> {
            JniUtils.setGraphExecutorOptimize(false);
            JniUtils.setGradMode(false);
            return true;
          });

  static {
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    MANAGER = (PtNDManager) Engine.getEngine("PyTorch").newBaseManager();
    try {
      OPERATORS =
          JniUtils.loadModule(
              MANAGER, new ByteArrayInputStream(AtenArchive.operators()), false, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private TorchEngine() {}

  /** Makes the calling thread one that computes: eager operators, no recording. */
  static void prepareThread() {
    PREPARED.get();
  }
}
