package flora.tensors.pickle;

import flora.tensors.SafetensorsWriter;
import flora.tensors.pickle.TensorView.Dimension;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Writes a tensor's elements row by row, wherever its storage keeps them.
 *
 * <p>Long runs of elements are streamed, and small tensors taken from what was read with their
 * header. Others (a transposed matrix) are gathered in blocks: a block of rows is filled in the
 * order of the storage, so that the source is read forwards once for each block.
 */
final class TensorBytes implements SafetensorsWriter.Source {

  private static final int COPY = 256 << 10;
  private static final int BLOCK = 8 << 20;
  private static final int WINDOW = 1 << 20;

  private final ByteSource source;
  private final Contents contents;
  private final TensorView view;
  private final int width;

  TensorBytes(ByteSource source, Contents contents, TensorView view) {
    this.source = source;
    this.contents = contents;
    this.view = view;
    this.width = view.dtype().bytes();
  }

  /** Bytes that gathering reads at most; 0 for a tensor that is streamed. */
  static long cost(TensorView view) {
    if (view.count() == 0 || streamed(view)) {
      return 0;
    }
    double blocks = Math.ceil((double) view.bytes() / BLOCK) + 1;
    double windows = (double) view.span() * view.dtype().bytes() / WINDOW + 1;
    double units = (double) view.count() / view.run();
    return (long) (Math.min(blocks * (windows + 1), units) * WINDOW);
  }

  private static boolean streamed(TensorView view) {
    return view.run() == view.count() || view.run() * view.dtype().bytes() >= COPY;
  }

  @Override
  public void writeTo(OutputStream out) throws IOException {
    if (view.count() == 0) {
      return;
    }
    long begin = contents.storages().begin(view.storage()) + view.offset() * width;
    var outer = outer();
    if (view.run() == view.count() && view.bytes() <= contents.window().capacity() / 2) {
      int length = (int) view.bytes();
      var window = contents.window();
      int index = window.at(begin, length);
      out.write(window.bytes(), index, length);
    } else if (streamed(view)) {
      stream(begin, outer, out);
    } else {
      gather(begin, outer, out);
    }
  }

  /** The dimensions outside the runs, strides in bytes. */
  private List<Dimension> outer() {
    var dimensions = new ArrayList<>(view.dimensions());
    long run = 1;
    while (!dimensions.isEmpty() && dimensions.getLast().stride() == run) {
      run *= dimensions.removeLast().extent();
    }
    dimensions.replaceAll(d -> new Dimension(d.extent(), d.stride() * width));
    return dimensions;
  }

  private void stream(long begin, List<Dimension> outer, OutputStream out) throws IOException {
    long length = view.run() * width;
    var buffer = new byte[(int) Math.min(COPY, length)];
    var steps = new Odometer(outer);
    do {
      try (var in = source.open(begin + steps.position(), length)) {
        for (long left = length; left > 0; ) {
          int n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
          if (n == 0) {
            throw new EOFException("%d bytes of a tensor are missing".formatted(left));
          }
          out.write(buffer, 0, n);
          left -= n;
        }
      }
    } while (steps.advance());
  }

  private void gather(long begin, List<Dimension> outer, OutputStream out) throws IOException {
    int unit = (int) (view.run() * width);
    long room = Math.max(1, BLOCK / unit);
    int split = outer.size() - 1;
    long inner = 1;
    while (split > 0 && inner * outer.get(split).extent() <= room) {
      inner *= outer.get(split).extent();
      split--;
    }
    Dimension cut = outer.get(split);
    long rows = Math.min(cut.extent(), room / inner);
    var window = new Window(source, source.size(), WINDOW);
    var block = new byte[(int) (rows * inner * unit)];
    var blocks = new Odometer(outer.subList(0, split));
    do {
      for (long row = 0; row < cut.extent(); row += rows) {
        long n = Math.min(rows, cut.extent() - row);
        var box = new ArrayList<Dimension>();
        box.add(new Dimension(n, cut.stride()));
        box.addAll(outer.subList(split + 1, outer.size()));
        fill(block, box, unit, begin + blocks.position() + row * cut.stride(), window);
        out.write(block, 0, (int) (n * inner * unit));
      }
    } while (blocks.advance());
  }

  /** Fills a block, visiting its elements in the order in which the storage has them. */
  private static void fill(byte[] block, List<Dimension> box, int unit, long begin, Window window)
      throws IOException {
    record Step(Dimension from, int to) {}

    var steps = new ArrayList<Step>();
    int to = unit;
    for (var dimension : box.reversed()) {
      steps.add(new Step(dimension, to));
      to *= (int) dimension.extent();
    }
    steps.sort(Comparator.comparingLong((Step s) -> s.from().stride()).reversed());
    var source = new Odometer(steps.stream().map(Step::from).toList());
    var target =
        new Odometer(steps.stream().map(s -> new Dimension(s.from().extent(), s.to())).toList());
    do {
      int index = window.at(begin + source.position(), unit);
      System.arraycopy(window.bytes(), index, block, (int) target.position(), unit);
      target.advance();
    } while (source.advance());
  }

  /** Walks through all indices of some dimensions, the last one fastest. */
  private static final class Odometer {
    private final long[] extents;
    private final long[] strides;
    private final long[] index;
    private long position;

    Odometer(List<Dimension> dimensions) {
      extents = dimensions.stream().mapToLong(Dimension::extent).toArray();
      strides = dimensions.stream().mapToLong(Dimension::stride).toArray();
      index = new long[extents.length];
      Arrays.fill(index, 0);
    }

    long position() {
      return position;
    }

    boolean advance() {
      for (int i = extents.length - 1; i >= 0; i--) {
        position += strides[i];
        if (++index[i] < extents[i]) {
          return true;
        }
        position -= strides[i] * extents[i];
        index[i] = 0;
      }
      return false;
    }
  }
}
