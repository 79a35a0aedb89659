package flora.models.tokenizer;

import java.util.Arrays;

/** A text as a network takes it: token ids of a fixed number, and which of them are no padding. */
public final class Encoding {

  private final long[] ids;
  private final int length;

  private Encoding(long[] ids, int length) {
    this.ids = ids;
    this.length = length;
  }

  /** Cut to a length of at least 2, whose last id is the end then, or padded to it. */
  static Encoding of(int[] all, int length, int end, int pad) {
    long[] ids = new long[length];
    Arrays.fill(ids, pad);
    int used = Math.min(all.length, length);
    for (int i = 0; i < used; i++) {
      ids[i] = all[i];
    }
    ids[used - 1] = end;
    return new Encoding(ids, used);
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
    Arrays.fill(mask, 0, length, 1);
    return mask;
  }
}
