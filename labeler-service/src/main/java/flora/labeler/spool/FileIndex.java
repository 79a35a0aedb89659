package flora.labeler.spool;

import flora.schemas.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Values in a file, in the order in which they came, found again by keys. Memory holds 16 bytes a
 * value and key, whatever the values are. For one thread.
 *
 * @param <T> a record that JSON keeps
 */
public final class FileIndex<T> implements AutoCloseable, Iterable<T> {

  private static final int BUFFER = 64 << 10;
  private static final int HEADER = Integer.BYTES;

  private final FileChannel file;
  private final Class<T> type;
  private final List<Lookup> lookups = new ArrayList<>();
  private ByteBuffer unwritten = ByteBuffer.allocate(BUFFER);
  private long written;
  private long size;

  FileIndex(Path path, Class<T> type) {
    this.type = type;
    try {
      this.file =
          FileChannel.open(
              path,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open " + path, e);
    }
  }

  /** Values by a key, null for those that have none; to be asked for before the first is added. */
  public Lookup by(Function<T, @Nullable String> key) {
    if (size > 0) {
      throw new IllegalStateException("values that are there already have no such key");
    }
    var lookup = new Lookup(key);
    lookups.add(lookup);
    return lookup;
  }

  /** Adds a value at the end. */
  public void add(T value) {
    long place = written + unwritten.position();
    var bytes = Json.bytes(value);
    if (unwritten.remaining() < HEADER + bytes.length) {
      flush();
      if (unwritten.capacity() < HEADER + bytes.length) {
        unwritten = ByteBuffer.allocate(HEADER + bytes.length);
      }
    }
    unwritten.putInt(bytes.length).put(bytes);
    for (var lookup : lookups) {
      lookup.add(value, place);
    }
    size++;
  }

  /** How many values there are. */
  public long size() {
    return size;
  }

  /** All values, in their order; none may be added meanwhile. */
  @Override
  public Iterator<T> iterator() {
    flush();
    return new Iterator<>() {
      private final ByteBuffer ahead = ByteBuffer.allocate(BUFFER).limit(0);
      private long next;

      @Override
      public boolean hasNext() {
        return next < written;
      }

      @Override
      public T next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        var bytes = new byte[ByteBuffer.wrap(take(HEADER)).getInt()];
        System.arraycopy(take(bytes.length), 0, bytes, 0, bytes.length);
        return Json.read(bytes, type);
      }

      private byte[] take(int length) {
        if (ahead.remaining() >= length) {
          var bytes = new byte[length];
          ahead.get(bytes);
          next += length;
          return bytes;
        }
        if (length > ahead.capacity()) {
          var bytes = bytes(next, length);
          ahead.limit(0);
          next += length;
          return bytes;
        }
        ahead.clear().limit((int) Math.min(ahead.capacity(), written - next));
        fill(ahead, next);
        ahead.flip();
        return take(length);
      }
    };
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private T at(long place) {
    flush();
    return Json.read(bytes(place + HEADER, ByteBuffer.wrap(bytes(place, HEADER)).getInt()), type);
  }

  private void flush() {
    unwritten.flip();
    try {
      while (unwritten.hasRemaining()) {
        written += file.write(unwritten, written);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the disk of the work folder cannot be written", e);
    }
    unwritten.clear();
  }

  private byte[] bytes(long place, int length) {
    var buffer = ByteBuffer.allocate(length);
    fill(buffer, place);
    return buffer.array();
  }

  private void fill(ByteBuffer buffer, long place) {
    try {
      for (long from = place; buffer.hasRemaining(); ) {
        int n = file.read(buffer, from);
        if (n < 0) {
          throw new IllegalStateException("a file of the work folder is shorter than it was");
        }
        from += n;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the disk of the work folder cannot be read", e);
    }
  }

  /** One key of the values. */
  public final class Lookup {

    private final Function<T, @Nullable String> key;
    private final HashedPlaces places = new HashedPlaces();

    private Lookup(Function<T, @Nullable String> key) {
      this.key = key;
    }

    /** The first value of a key. */
    public Optional<T> first(String wanted) {
      long hash = HashedPlaces.hash(wanted);
      return find(wanted, places.from(hash), places.to(hash), 1);
    }

    /** The last value of a key: of two, the later counts. */
    public Optional<T> last(String wanted) {
      long hash = HashedPlaces.hash(wanted);
      return find(wanted, places.to(hash) - 1, places.from(hash) - 1, -1);
    }

    /** Every value of a key, in their order; read one by one, since all may have it. */
    public Iterable<T> all(String wanted) {
      long hash = HashedPlaces.hash(wanted);
      return () ->
          IntStream.range(places.from(hash), places.to(hash))
              .mapToObj(i -> at(places.place(i)))
              .filter(value -> wanted.equals(key.apply(value)))
              .iterator();
    }

    private Optional<T> find(String wanted, int from, int to, int step) {
      for (int i = from; i != to; i += step) {
        var value = at(places.place(i));
        if (wanted.equals(key.apply(value))) {
          return Optional.of(value); // another key of the same hash is passed by
        }
      }
      return Optional.empty();
    }

    private void add(T value, long place) {
      var its = key.apply(value);
      if (its != null) {
        places.add(HashedPlaces.hash(its), place);
      }
    }
  }
}
