package flora.models.tokenizer;

/** A text as a network takes it: token ids of a fixed number, and which of them are no padding. */
public final class Encoding {

  private final long[] ids;
  private final int length;

  Encoding(long[] ids, int length) {
    this.ids = ids;
    this.length = length;
  }

  /** The ids; not a copy. */
  public long[] ids() {
    return ids;
  }

  /** How many of them, from the first, are the text with its start and end. */
  public int length() {
    return length;
  }

  /** 1 for the text, 0 for the padding behind it. */
  public long[] mask() {
    long[] mask = new long[ids.length];
    java.util.Arrays.fill(mask, 0, length, 1);
    return mask;
  }
}
