package flora.standalone.cli;

import flora.standalone.client.StageLine;
import java.io.Console;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Optional;

/** Says on standard error how far a stream is: one line that changes on a terminal. */
final class CountingStream extends FilterInputStream {
  private static final long EVERY_NANOS = 500_000_000;

  private final String what;
  private final long total;
  private final PrintStream out = System.err;
  private final boolean isTerminal =
      Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  private final long started = System.nanoTime();
  private long done;
  private long said = started;
  private int tenth;

  CountingStream(InputStream in, String what, long total) {
    super(in);
    this.what = what;
    this.total = total;
  }

  @Override
  public int read() throws IOException {
    int b = super.read();
    count(b < 0 ? -1 : 1);
    return b;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int n = super.read(bytes, offset, length);
    count(n);
    return n;
  }

  private void count(int n) {
    done += Math.max(0, n);
    long now = System.nanoTime();
    int at = total == 0 ? 10 : (int) Math.min(10, 10 * done / total);
    if (now - said > EVERY_NANOS && (isTerminal || at > tenth)) {
      said = now;
      tenth = at;
      out.print(isTerminal ? "\r\033[2K" + line(now) : line(now) + System.lineSeparator());
      out.flush();
    }
  }

  private String line(long now) {
    long rate = Math.round(1e9 * done / Math.max(1, now - started));
    var left =
        rate == 0 || done >= total
            ? ""
            : "  " + StageLine.duration((total - done) / rate) + " left";
    return "%s  %s of %s  %s/s%s"
        .formatted(
            what,
            StageLine.bytes(Math.min(done, total)),
            StageLine.bytes(total),
            StageLine.bytes(rate),
            left);
  }

  void done() {
    if (isTerminal) {
      out.print("\r\033[2K");
    }
  }
}
