package flora.labeler.work;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.Prepared;
import flora.labeler.image.PictureReader;
import flora.labeler.work.Rows.Look;
import flora.models.image.PerceptualHash;
import flora.schemas.Sha256;
import flora.store.ObjectStoreException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Works on some pictures: some threads read, some decode, and the calling thread is at the model.
 * What is between them is bounded in pictures and in bytes, so memory depends on the settings and
 * not on the pictures; a picture that takes long holds up no other. Rows come in the order of the
 * entries. Pictures of the same bytes are decoded and labelled once, for which what was found out
 * of them in one run is held: it is meant for a part of a dataset at a time.
 */
public final class ShardWork {

  private static final int READERS = 4;

  private static final String GONE = "it was taken away after it was listed";

  /** Bytes of files that were read and not decoded yet; a permit is a KiB. */
  private static final int READ_AHEAD = 256 << 10;

  /** What has become of a picture when it comes to the model. */
  private sealed interface Step {

    /** Its row needs no model; without a look it could not be decoded. */
    record Done(int index, Entry entry, Sha256 sha256, ShardRow row, @Nullable Look look)
        implements Step {}

    /** Nothing could be read. */
    record Unread(int index, ShardRow row) implements Step {}

    /** The model is to see it. */
    record Ready(int index, Entry entry, Look look, Prepared prepared) implements Step {}

    /** Another picture has the same bytes. */
    record Copy(int index, Entry entry, Sha256 sha256) implements Step {}

    /** There are no more than this. */
    record End(int count) implements Step {}

    /** Something is wrong that is not the picture. */
    record Broken(Throwable cause) implements Step {}
  }

  /**
   * What was found out of some bytes, for all pictures that have them.
   *
   * @param row of the first of them
   * @param look null when they cannot be decoded
   * @param caption null when no model was asked
   */
  private record Seen(ShardRow row, @Nullable Look look, @Nullable Caption caption) {}

  private final PictureReader reader;
  private final @Nullable Captioner captioner;
  private final ShardSettings settings;
  private final LongSupplier nanos;
  private final Rows rules;

  /**
   * Work.
   *
   * @param captioner null = only captions that are there count
   * @param nanos a clock for durations
   */
  public ShardWork(
      PictureReader reader,
      @Nullable Captioner captioner,
      ShardSettings settings,
      LongSupplier nanos) {
    this.reader = reader;
    this.captioner = captioner;
    this.settings = settings;
    this.nanos = nanos;
    this.rules = new Rows(settings, captioner != null);
  }

  /**
   * Works on all entries.
   *
   * @param rows given one row for each entry, in their order
   * @param proceed called between pictures; throws to stop
   */
  public Busy run(Iterator<Entry> entries, Consumer<ShardRow> rows, Runnable proceed)
      throws InterruptedException {
    try (var pass = new Pass(rows, proceed)) {
      return pass.run(entries);
    }
  }

  /** One run, and the threads that live for it. */
  private final class Pass implements AutoCloseable {

    private final Consumer<ShardRow> rows;
    private final Runnable proceed;
    private final int ahead = 2 * settings.batchSize() + settings.decodeThreads() + READERS;
    private final BlockingQueue<Step> steps = new ArrayBlockingQueue<>(ahead + 2);
    private final Semaphore places = new Semaphore(ahead);
    private final Semaphore readers = new Semaphore(READERS);
    private final Semaphore kilobytes = new Semaphore(READ_AHEAD);
    private final ExecutorService io = Executors.newVirtualThreadPerTaskExecutor();
    private final ExecutorService decoders =
        Executors.newFixedThreadPool(
            settings.decodeThreads(), Thread.ofPlatform().name("decode-", 0).daemon().factory());
    private final Map<String, Integer> firsts = new ConcurrentHashMap<>();
    private final LongAdder reading = new LongAdder();
    private final LongAdder decoding = new LongAdder();

    // of the calling thread
    private final TreeMap<Integer, ShardRow> waitingForTurn = new TreeMap<>();
    private final Map<String, Seen> seen = new HashMap<>();
    private final Map<String, List<Step.Copy>> copies = new HashMap<>();
    private final List<Step.Ready> batch = new ArrayList<>();
    private int next;
    private long atModel;

    Pass(Consumer<ShardRow> rows, Runnable proceed) {
      this.rows = rows;
      this.proceed = proceed;
    }

    Busy run(Iterator<Entry> entries) throws InterruptedException {
      long begun = nanos.getAsLong();
      long waited = 0;
      io.execute(() -> feed(entries));
      int come = 0;
      for (int expected = Integer.MAX_VALUE; come < expected; ) {
        long before = nanos.getAsLong();
        var step = steps.take();
        waited += nanos.getAsLong() - before;
        if (step instanceof Step.End(int count)) {
          expected = count;
          continue;
        }
        come++;
        places.release();
        proceed.run();
        take(step);
        if (batch.size() == settings.batchSize()) {
          caption();
        }
      }
      caption();
      if (next != come) {
        throw new IllegalStateException("%d of %d rows".formatted(next, come));
      }
      return new Busy(atModel, waited, nanos.getAsLong() - begun, reading.sum(), decoding.sum());
    }

    private void take(Step step) {
      switch (step) {
        case Step.Unread(int index, var row) -> emit(index, row);
        case Step.Done(int index, var entry, var sha256, var row, var look) -> {
          emit(index, row);
          resolve(bytes(entry, sha256), new Seen(row, look, null));
        }
        case Step.Ready ready -> batch.add(ready);
        case Step.Copy copy -> {
          var first = seen.get(bytes(copy.entry(), copy.sha256()));
          if (first == null) {
            copies
                .computeIfAbsent(bytes(copy.entry(), copy.sha256()), _ -> new ArrayList<>())
                .add(copy);
          } else {
            emit(copy.index(), again(copy.entry(), first));
          }
        }
        case Step.Broken(var cause) -> {
          switch (cause) {
            case RuntimeException known -> throw known;
            case Error fatal -> throw fatal;
            default -> throw new IllegalStateException(cause);
          }
        }
        case Step.End _ -> throw new IllegalStateException("the end comes once");
      }
    }

    private void caption() {
      if (batch.isEmpty()) {
        return;
      }
      var model = Objects.requireNonNull(captioner);
      long before = nanos.getAsLong();
      var captions = model.caption(batch.stream().map(Step.Ready::prepared).toList(), proceed);
      atModel += nanos.getAsLong() - before;
      for (int i = 0; i < batch.size(); i++) {
        var ready = batch.get(i);
        var row = rules.made(ready.entry(), ready.look(), captions.get(i), true);
        emit(ready.index(), row);
        resolve(
            bytes(ready.entry(), ready.look().sha256()),
            new Seen(row, ready.look(), captions.get(i)));
      }
      batch.clear();
    }

    /** The row of the first picture of these bytes is there. */
    private void resolve(String bytes, Seen first) {
      seen.put(bytes, first);
      var waiting = copies.remove(bytes);
      if (waiting != null) {
        waiting.forEach(copy -> emit(copy.index(), again(copy.entry(), first)));
      }
    }

    /** The same bytes under another name, with a folder and perhaps a caption of its own. */
    private ShardRow again(Entry entry, Seen first) {
      if (first.look() == null) {
        return switch (first.row()) {
          case ShardRow.Left(var why) -> entry.left(why.reason());
          case ShardRow.Labelled _ -> throw new IllegalStateException("a row of no picture");
        };
      }
      return first.caption() == null
          ? rules.plain(entry, first.look())
          : rules.made(entry, first.look(), first.caption(), false);
    }

    private void emit(int index, ShardRow row) {
      waitingForTurn.put(index, row);
      for (var first = waitingForTurn.firstEntry();
          first != null && first.getKey() == next;
          first = waitingForTurn.firstEntry()) {
        waitingForTurn.pollFirstEntry();
        next++;
        rows.accept(first.getValue());
      }
    }

    /** Equal for pictures of which one row says what is to be said of the other. */
    private String bytes(Entry entry, Sha256 sha256) {
      return sha256.hex() + (rules.needsModel(entry) ? "+" : "");
    }

    private void feed(Iterator<Entry> entries) {
      guarded(
          () -> {
            int count = 0;
            for (; entries.hasNext(); count++) {
              var entry = entries.next();
              int index = count;
              int size = kilobytes(entry.picture().size());
              places.acquire();
              kilobytes.acquire(size);
              readers.acquire();
              io.execute(() -> guarded(() -> read(index, entry, size)));
            }
            steps.put(new Step.End(count));
          });
    }

    private void read(int index, Entry listed, int size) throws InterruptedException {
      byte[] bytes;
      try {
        long before = nanos.getAsLong();
        var picture = listed.picture();
        bytes = reader.bytes(picture.bucket(), picture.key(), picture.size());
        reading.add(nanos.getAsLong() - before);
      } catch (PictureReader.Unusable e) {
        leave(index, listed, size, e.reason());
        return;
      } catch (ObjectStoreException.NotFound e) {
        if (listed.picture().sha256() != null) {
          throw e; // not a folder that people change, but a store that lost something
        }
        leave(index, listed, size, GONE);
        return;
      } finally {
        readers.release();
      }
      var sha256 = Sha256.sum(bytes);
      var before = listed.before();
      Entry entry = listed;
      ShardRow kept = null;
      if (before != null && before.sha256().equals(sha256)) {
        entry = rules.known(listed, before);
        kept = rules.kept(entry, before);
      }
      if (kept != null) {
        kilobytes.release(size);
        reader.keep(bytes, sha256);
        steps.put(new Step.Unread(index, kept));
      } else if (firsts.putIfAbsent(bytes(entry, sha256), index) != null) {
        kilobytes.release(size);
        steps.put(new Step.Copy(index, entry, sha256));
      } else {
        var opened = entry;
        decoders.execute(() -> guarded(() -> decode(index, opened, bytes, sha256, size)));
      }
    }

    private void leave(int index, Entry entry, int size, String reason)
        throws InterruptedException {
      kilobytes.release(size);
      steps.put(new Step.Unread(index, entry.left(reason)));
    }

    private void decode(int index, Entry entry, byte[] bytes, Sha256 sha256, int size)
        throws InterruptedException {
      long before = nanos.getAsLong();
      Step step;
      try {
        step = look(index, entry, sha256, bytes);
      } catch (PictureReader.Unusable e) {
        step = new Step.Done(index, entry, sha256, entry.left(e.reason()), null);
      } finally {
        decoding.add(nanos.getAsLong() - before);
      }
      var looked = step;
      // the store's time is not the decoder's
      io.execute(
          () ->
              guarded(
                  () -> {
                    if (!(looked instanceof Step.Done done) || done.look() != null) {
                      reader.keep(bytes, sha256); // if not for this one, then for another
                    }
                    kilobytes.release(size);
                    steps.put(looked);
                  }));
    }

    private Step look(int index, Entry entry, Sha256 sha256, byte[] bytes)
        throws PictureReader.Unusable {
      var picture = reader.decode(bytes);
      var look =
          new Look(
              sha256,
              bytes.length,
              picture.width(),
              picture.height(),
              reader.frames(bytes),
              "%016x".formatted(PerceptualHash.of(picture)),
              HexFormat.of().formatHex(PerceptualHash.thumb(picture)));
      return rules.needsModel(entry)
          ? new Step.Ready(index, entry, look, Objects.requireNonNull(captioner).prepare(picture))
          : new Step.Done(index, entry, sha256, rules.plain(entry, look), look);
    }

    /** What goes wrong on any thread is known to the one that waits for it. */
    private void guarded(Task task) {
      try {
        task.run();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // the pass is over
      } catch (RuntimeException | Error e) {
        if (!steps.offer(new Step.Broken(e))) {
          steps.clear();
          steps.offer(new Step.Broken(e));
        }
      }
    }

    @Override
    public void close() {
      decoders.shutdownNow();
      io.shutdownNow();
    }
  }

  @FunctionalInterface
  private interface Task {
    void run() throws InterruptedException;
  }

  private static int kilobytes(long bytes) {
    return Math.toIntExact(Math.min(READ_AHEAD, (bytes >> 10) + 1));
  }
}
