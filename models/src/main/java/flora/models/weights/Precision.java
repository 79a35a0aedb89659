package flora.models.weights;

/**
 * How a network's linear layers compute. All but {@link #FP32} are for inference only: they are not
 * differentiable and take no adapters, and a network of theirs holds copies of its own instead of
 * views of the mapped file.
 */
public enum Precision {
  /** In fp32, on the weights as the file has them. */
  FP32,

  /**
   * In fp32, on weights in the order that the processor reads fastest: equal but for the order of
   * summation.
   */
  FP32_PACKED,

  /**
   * In whole numbers of 8 bits where a layer is large enough, otherwise as {@link #FP32_PACKED}.
   * Weights have a scale for each output, inputs one for all their values.
   */
  INT8
}
