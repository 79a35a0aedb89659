package flora.labeler.work;

/**
 * Where the time went, in nanoseconds.
 *
 * @param model of the model's thread: at the model
 * @param waiting of the model's thread: for pictures
 * @param wall from the beginning to the end
 * @param reading of all threads that read: at the store
 * @param decoding of all decoding threads: at pictures
 */
public record Busy(long model, long waiting, long wall, long reading, long decoding) {

  /** Both, one after the other. */
  public Busy plus(Busy other) {
    return new Busy(
        model + other.model,
        waiting + other.waiting,
        wall + other.wall,
        reading + other.reading,
        decoding + other.decoding);
  }
}
