package flora.models.weights;

/** In which numbers a network computes. */
public enum Precision {
  /** 32-bit floats, as the weights are mapped. */
  FP32
}
