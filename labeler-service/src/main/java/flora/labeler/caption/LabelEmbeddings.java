package flora.labeler.caption;

import flora.schemas.Sha256;
import java.util.function.Supplier;

/** Where the embeddings of a list of labels are had from. */
@FunctionalInterface
public interface LabelEmbeddings {

  /**
   * One unit vector for each label.
   *
   * @param list digest of the labels and of all else that their vectors follow from, but for the
   *     model
   * @param count of the labels
   * @param compute makes them, where they are not there yet
   */
  float[][] get(Sha256 list, int count, Supplier<float[][]> compute);

  /** Always computes them. */
  static LabelEmbeddings computed() {
    return (_, _, compute) -> compute.get();
  }
}
