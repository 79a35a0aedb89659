package flora.trainer.recipe;

import java.util.LinkedHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What a frozen encoder says of the things seen last, so that each is encoded once as long as there
 * is room. Its size never changes a result, only the time it takes. Not for several threads.
 */
final class EncodingCache<K, V> implements AutoCloseable {

  private final LinkedHashMap<K, V> entries = new LinkedHashMap<>(16, 0.75f, true);
  private final int capacity;
  private final Function<K, V> encoder;
  private final Consumer<V> closer;

  /**
   * An empty cache.
   *
   * @param capacity entries at most, at least 1
   */
  EncodingCache(int capacity, Function<K, V> encoder, Consumer<V> closer) {
    this.capacity = Math.max(1, capacity);
    this.encoder = encoder;
    this.closer = closer;
  }

  /** The encoding; valid until so many others were asked for as the cache holds. */
  V get(K key) {
    var known = entries.get(key);
    if (known != null) {
      return known;
    }
    var encoded = encoder.apply(key);
    entries.put(key, encoded);
    if (entries.size() > capacity) {
      closer.accept(entries.pollFirstEntry().getValue());
    }
    return encoded;
  }

  int capacity() {
    return capacity;
  }

  @Override
  public void close() {
    entries.values().forEach(closer);
    entries.clear();
  }
}
