package flora.tensors.pickle;

/**
 * How much of anything a checkpoint may have. A real one of 10,000 tensors has a tenth of it; a
 * hostile one cannot take more than some hundred megabytes of memory.
 */
final class Limits {

  /** Bytes of instructions. */
  static final long PICKLE = 16 << 20;

  static final int OPCODES = 2_000_000;
  static final int CONTAINERS = 500_000;

  /** Pairs that dictionaries are made of by a call. */
  static final int PAIRS = 500_000;

  static final int MEMO = 1_000_000;
  static final int STACK = 200_000;
  static final int DEPTH = 100;
  static final int TEXT = 1 << 20;
  static final int LINE = 1024;

  /** Bytes of one whole number: PyTorch's own magic number has ten. */
  static final int WHOLE = 16;

  static final int TENSORS = 50_000;
  static final int RANK = 64;
  static final int ENTRIES = 60_000;

  private Limits() {}

  /** How many bytes all tensors of a file may have: shared storages are written once for each. */
  static long written(long fileSize) {
    return 4 * fileSize + (64 << 20);
  }

  /** How many bytes may be read in all to bring tensors into order that do not lie in theirs. */
  static long gathered(long fileSize) {
    return 256 * fileSize + (1L << 30);
  }
}
