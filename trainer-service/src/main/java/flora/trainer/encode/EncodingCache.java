package flora.trainer.encode;

import java.util.LinkedHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What a frozen encoder says of the things seen last, so that each is encoded once as long as there
 * is room. Its size never changes a result, only the time it takes. Not for several threads.
 */
final class EncodingCache<K, V> implements AutoCloseable {

  private final LinkedHashMap<K, V> entries = new LinkedHashMap<>(16, 0.75f, true);
  private final long capacity;
  private final Function<K, V> encoder;
  private final ToLongFunction<V> size;
  private final Consumer<V> closer;
  private long used;

  /**
   * An empty cache.
   *
   * @param capacity of all entries together, in the unit of {@code size}
   */
  EncodingCache(long capacity, Function<K, V> encoder, ToLongFunction<V> size, Consumer<V> closer) {
    this.capacity = capacity;
    this.encoder = encoder;
    this.size = size;
    this.closer = closer;
  }

  /** The encoding; valid until the next {@link #trim}. */
  V get(K key) {
    var known = entries.get(key);
    if (known != null) {
      return known;
    }
    var encoded = encoder.apply(key);
    entries.put(key, encoded);
    used += size.applyAsLong(encoded);
    return encoded;
  }

  /** Makes room: what was not seen for longest goes first. */
  void trim() {
    while (used > capacity) {
      var eldest = entries.pollFirstEntry().getValue();
      used -= size.applyAsLong(eldest);
      closer.accept(eldest);
    }
  }

  long capacity() {
    return capacity;
  }

  @Override
  public void close() {
    entries.values().forEach(closer);
    entries.clear();
    used = 0;
  }
}
