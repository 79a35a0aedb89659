package flora.fakehub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Answers with a file or a range of it, or with what a fault makes of that. */
final class FileBytes {

  private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");

  private record Range(long from, long to) {}

  /** What the answer will be; each fault changes something about it. */
  private static final class Plan {
    @Nullable String etag;
    byte @Nullable [] instead;
    String type = "application/octet-stream";
    boolean bare;
    boolean chunked;
    boolean rangesIgnored;
    boolean rangesRefused;
    int rangeStatus;
    long shift;
    long missing;
    long promisedTooMuch;
    long totalIsWrongBy;
    long cutAfter = Long.MAX_VALUE;
    @Nullable Duration stall;
    long bytesPerSecond = Long.MAX_VALUE;
    long wrongEvery = Long.MAX_VALUE;
    final Set<Long> wrong = new HashSet<>();

    Plan(@Nullable String etag, int rangeStatus) {
      this.etag = etag;
      this.rangeStatus = rangeStatus;
    }

    boolean isTrue() {
      return wrong.isEmpty() && wrongEvery == Long.MAX_VALUE;
    }

    void apply(Fault.OnBytes fault, Blob blob) {
      switch (fault) {
        case Fault.Cut cut -> cutAfter = cut.afterBytes();
        case Fault.Stall stalled -> {
          cutAfter = stalled.afterBytes();
          stall = stalled.time();
        }
        case Fault.WrongByte byteAt -> wrong.add(byteAt.at());
        case Fault.WrongBytes many -> wrongEvery = many.every();
        case Fault.Shortened shortened -> missing = shortened.missingBytes();
        case Fault.TooLongLength tooLong -> promisedTooMuch = tooLong.by();
        case Fault.WrongTotal total -> totalIsWrongBy = total.by();
        case Fault.Html _ -> {
          instead = "<!doctype html><title>Please log in</title>".getBytes(StandardCharsets.UTF_8);
          type = "text/html; charset=utf-8";
        }
        case Fault.Pointer _ -> {
          instead = blob.pointer();
          type = "text/plain; charset=utf-8";
        }
        case Fault.BareHeaders _ -> bare = true;
        case Fault.NoLength _ -> chunked = true;
        case Fault.NoEtag _ -> etag = null;
        case Fault.WrongEtag other -> etag = other.etag();
        case Fault.IgnoredRange _ -> rangesIgnored = true;
        case Fault.RefusedRange _ -> rangesRefused = true;
        case Fault.OtherRange other -> shift = other.later();
        case Fault.RangeWithStatus200 _ -> rangeStatus = 200;
        case Fault.Slow slow -> bytesPerSecond = slow.bytesPerSecond();
      }
    }
  }

  private final Rules rules;
  private final Traffic traffic;

  FileBytes(Rules rules, Traffic traffic) {
    this.rules = rules;
    this.traffic = traffic;
  }

  /**
   * Answers.
   *
   * @param etag without quotes, null for none
   * @param rangeStatus of an answer with a range: 206, but ModelScope says 200
   */
  void answer(Exchange exchange, String path, Blob blob, @Nullable String etag, int rangeStatus)
      throws IOException {
    var plan = new Plan(etag, rangeStatus);
    var wanted = exchange.header("Range");
    if (exchange.isHead()) {
      plan.bare = rules.isBare(path);
    } else {
      rules.onBytes(path, wanted != null).forEach(fault -> plan.apply(fault, blob));
    }
    var headers = exchange.answerHeaders();
    headers.put("Content-Type", plan.type);
    if (plan.instead != null) {
      exchange.send(200, plan.instead);
      return;
    }
    if (plan.bare) {
      headers.keySet().removeIf(name -> name.startsWith("X-"));
      plan.chunked = true;
    } else {
      headers.put("Accept-Ranges", "bytes");
      if (plan.etag != null) {
        headers.put("ETag", '"' + plan.etag + '"');
      }
    }
    boolean ranged = wanted != null && !plan.bare && !plan.rangesIgnored;
    var range = ranged ? range(wanted, blob.size()) : null;
    if (ranged && (range == null || plan.rangesRefused)) {
      headers.put("Content-Range", "bytes */" + blob.size());
      exchange.send(416);
      return;
    }
    long from = range == null ? 0 : Math.min(blob.size() - 1, range.from() + plan.shift);
    long to = range == null ? blob.size() : Math.min(blob.size(), range.to() + plan.shift);
    to = Math.max(from, to - plan.missing);
    if (range != null) {
      headers.put(
          "Content-Range",
          "bytes " + from + "-" + (to - 1) + "/" + (blob.size() + plan.totalIsWrongBy));
    }
    int status = range == null ? 200 : plan.rangeStatus;
    if (exchange.isHead()) {
      if (!plan.bare) {
        headers.put("Content-Length", Long.toString(to - from));
      }
      exchange.send(status);
      return;
    }
    exchange.begin(status, plan.chunked ? Exchange.CHUNKED : to - from + plan.promisedTooMuch);
    var sent = traffic.begin(path, exchange.connection().number(), from);
    send(exchange, blob, from, to, plan, sent);
  }

  private static void send(
      Exchange exchange, Blob blob, long from, long to, Plan plan, Traffic.Answer sent)
      throws IOException {
    long stop = plan.cutAfter > to - from ? to : from + plan.cutAfter;
    var connection = exchange.connection();
    var slow = new Pace(plan.bytesPerSecond);
    long piece = Math.min(connection.piece(), slow.piece());
    try (var in = blob.content().open()) {
      for (long at = from; at < stop; ) {
        long n = Math.min(piece, stop - at);
        connection.pace(n);
        Pace.await(slow.take(n));
        if (plan.isTrue()) {
          exchange.body(in, at, n);
        } else {
          exchange.body(falsified(in, at, (int) n, plan));
        }
        sent.bytes().addAndGet(n);
        at += n;
      }
    }
    exchange.flush();
    if (plan.stall != null) {
      connection.stall(plan.stall);
    }
    if (stop == to) {
      exchange.finish();
    }
  }

  private static ByteBuffer falsified(Blob.Reader in, long at, int n, Plan plan)
      throws IOException {
    var bytes = ByteBuffer.allocate(n);
    in.copy(at, n, new Into(bytes));
    for (int i = 0; i < n; i++) {
      if ((at + i) % plan.wrongEvery == plan.wrongEvery - 1 || plan.wrong.contains(at + i)) {
        bytes.array()[i] ^= 1;
      }
    }
    return bytes.flip();
  }

  private record Into(ByteBuffer target) implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) {
      int n = bytes.remaining();
      target.put(bytes);
      return n;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private static @Nullable Range range(@Nullable String header, long size) {
    if (header == null) {
      return null;
    }
    var match = RANGE.matcher(header);
    if (!match.matches()) {
      return null;
    }
    var first = match.group(1);
    var last = match.group(2);
    if (first.isEmpty()) {
      return last.isEmpty() ? null : new Range(Math.max(0, size - Long.parseLong(last)), size);
    }
    long from = Long.parseLong(first);
    long to = last.isEmpty() ? size : Math.min(size, Long.parseLong(last) + 1);
    return from < to ? new Range(from, to) : null;
  }
}
