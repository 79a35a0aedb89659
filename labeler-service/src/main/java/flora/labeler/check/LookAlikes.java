package flora.labeler.check;

import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Pictures that are there twice, found as they come: the same bytes, or nearly the same look. About
 * 120 bytes a picture.
 *
 * <p>Two pictures look alike when their perceptual hashes differ in at most {@value #MAX_BITS} of
 * 64 bits and the colours of their thumbnails by at most {@value #MAX_COLOUR} levels on average. Of
 * five bands of the hash at least one is then equal, so that only pictures of equal bands are
 * compared, and at most {@value #MOST} of each. Pictures of one colour look like nothing: their
 * hashes are chance.
 */
final class LookAlikes {

  private static final int MAX_BITS = 4;
  private static final int MAX_COLOUR = 8;
  private static final int MOST = 64;

  /** Levels between the darkest and the brightest cell below which a thumbnail is of one colour. */
  private static final int FLAT = 6;

  private static final int THUMB = 48;
  private static final int[] BANDS = {13, 13, 13, 13, 12};

  private int size;
  private byte[] names = new byte[1 << 12];
  private int[] ends = new int[64];

  /** Half of the digest tells files apart that nobody made to collide. */
  private long[] digests = new long[64];

  private long[] hashes = new long[64];
  private byte[] thumbs = new byte[64 * THUMB];

  /** Rows by digest: open addressing, 0 = empty, else the row plus 1. */
  private int[] byDigest = new int[256];

  /** The newest row of each band's value plus 1, and for each row the one before it plus 1. */
  private final int[][] heads = new int[BANDS.length][];

  private int[][] before = new int[BANDS.length][64];

  LookAlikes() {
    for (int band = 0; band < BANDS.length; band++) {
      heads[band] = new int[1 << BANDS[band]];
    }
  }

  /** What an earlier picture is to this one. */
  sealed interface Twin {

    String name();

    /** Its bytes are the same. */
    record Exact(String name) implements Twin {}

    /** It looks the same. */
    record Similar(String name) implements Twin {}
  }

  /** Takes a picture in; answers with an earlier one that it repeats, null when it is new. */
  @Nullable Twin add(String name, Sha256 sha256, @Nullable String phash, @Nullable String thumb) {
    grow();
    long digest = Long.parseUnsignedLong(sha256.hex(), 0, 16, 16);
    int slot = slot(digest);
    if (byDigest[slot] != 0) {
      return new Twin.Exact(name(byDigest[slot] - 1));
    }
    int row = size++;
    digests[row] = digest;
    byDigest[slot] = row + 1;
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    int start = row == 0 ? 0 : ends[row - 1];
    if (start + text.length > names.length) {
      names = Arrays.copyOf(names, Math.max(start + text.length, names.length / 2 * 3));
    }
    System.arraycopy(text, 0, names, start, text.length);
    ends[row] = start + text.length;
    if (phash == null || thumb == null) {
      return null;
    }
    hashes[row] = Long.parseUnsignedLong(phash, 16);
    byte[] colours = HexFormat.of().parseHex(thumb);
    if (colours.length != THUMB || isFlat(colours)) {
      return null;
    }
    System.arraycopy(colours, 0, thumbs, row * THUMB, THUMB);
    int twin = similar(row);
    remember(row);
    return twin < 0 ? null : new Twin.Similar(name(twin));
  }

  private int similar(int row) {
    for (int band = 0; band < BANDS.length; band++) {
      int other = heads[band][value(hashes[row], band)];
      for (int seen = 0; other != 0 && seen < MOST; seen++) {
        if (areAlike(row, other - 1)) {
          return other - 1;
        }
        other = before[band][other - 1];
      }
    }
    return -1;
  }

  private boolean areAlike(int row, int other) {
    if (Long.bitCount(hashes[row] ^ hashes[other]) > MAX_BITS) {
      return false;
    }
    int sum = 0;
    for (int i = 0; i < THUMB; i++) {
      sum += Math.abs((thumbs[row * THUMB + i] & 0xff) - (thumbs[other * THUMB + i] & 0xff));
    }
    return sum <= MAX_COLOUR * THUMB;
  }

  private void remember(int row) {
    for (int band = 0; band < BANDS.length; band++) {
      int value = value(hashes[row], band);
      before[band][row] = heads[band][value];
      heads[band][value] = row + 1;
    }
  }

  private static int value(long hash, int band) {
    return (int) (hash >>> (13 * band)) & ((1 << BANDS[band]) - 1);
  }

  private static boolean isFlat(byte[] colours) {
    for (int channel = 0; channel < 3; channel++) {
      int low = 255;
      int high = 0;
      for (int i = channel; i < THUMB; i += 3) {
        low = Math.min(low, colours[i] & 0xff);
        high = Math.max(high, colours[i] & 0xff);
      }
      if (high - low > FLAT) {
        return false;
      }
    }
    return true;
  }

  private String name(int row) {
    int start = row == 0 ? 0 : ends[row - 1];
    return new String(names, start, ends[row] - start, StandardCharsets.UTF_8);
  }

  /** Where a digest stands in the table, or would. */
  private int slot(long digest) {
    int slot = (int) digest & (byDigest.length - 1);
    while (byDigest[slot] != 0 && digests[byDigest[slot] - 1] != digest) {
      slot = (slot + 1) & (byDigest.length - 1);
    }
    return slot;
  }

  private void grow() {
    if (size < digests.length) {
      return;
    }
    int room = size / 2 * 3;
    ends = Arrays.copyOf(ends, room);
    digests = Arrays.copyOf(digests, room);
    hashes = Arrays.copyOf(hashes, room);
    thumbs = Arrays.copyOf(thumbs, Math.multiplyExact(room, THUMB));
    for (int band = 0; band < BANDS.length; band++) {
      before[band] = Arrays.copyOf(before[band], room);
    }
    if (2 * room > byDigest.length) {
      byDigest = new int[4 * Integer.highestOneBit(room)];
      for (int row = 0; row < size; row++) {
        byDigest[slot(digests[row])] = row + 1;
      }
    }
  }
}
