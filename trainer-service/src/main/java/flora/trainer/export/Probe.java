package flora.trainer.export;

import java.nio.file.Path;

/** Applies an adapter's file to the networks that it is for, as whoever loads it will. */
@FunctionalInterface
public interface Probe {

  /** How far the outputs with the file's adapter lie from those with the trained one. */
  Deviation deviation(Path file);

  /**
   * Euclidean norms over the outputs of a network.
   *
   * @param error between the file's and the trained adapter
   * @param effect between the trained adapter and none
   * @param output with the trained adapter
   */
  record Deviation(double error, double effect, double output) {

    /** Of which a part was rounded, so that other digits of the outputs may differ too. */
    boolean isWithin(double share) {
      return error <= share * effect + 1e-6 * output;
    }
  }
}
