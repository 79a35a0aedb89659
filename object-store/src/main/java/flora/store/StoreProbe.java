package flora.store;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * Tries at start what leases and fencing rest on, since not every S3 has it: {@code If-None-Match:
 * *}, an {@code If-Match} with one winner, and a listing that shows what was put.
 */
public final class StoreProbe {

  private static final String FOLDER = ".probe/";
  private static final String TYPE = "text/plain";
  private static final int RACERS = 4;

  private StoreProbe() {}

  /**
   * Tries it all on a key of its own and removes it.
   *
   * @param token makes the key unique
   * @throws ObjectStoreException.Rejected naming what the store lacks
   */
  public static void check(ObjectStore store, String bucket, String token) {
    var key = FOLDER + token;
    try {
      var first = store.putIfAbsent(bucket, key, bytes("1"), TYPE);
      if (first.isEmpty()) {
        throw lacks("If-None-Match: * refuses a key that is free");
      }
      if (store.putIfAbsent(bucket, key, bytes("2"), TYPE).isPresent()) {
        throw lacks("If-None-Match: * is ignored, which leases need");
      }
      if (store.putIfMatch(bucket, key, bytes("3"), TYPE, "0".repeat(32)).isPresent()) {
        throw lacks("If-Match is ignored, which fencing needs");
      }
      var winners = race(store, bucket, key, first.get());
      if (winners != 1) {
        throw lacks("If-Match had " + winners + " winners out of " + RACERS + ", expected one");
      }
      try (var listed = store.list(bucket, key)) {
        if (listed.noneMatch(o -> o.key().equals(key))) {
          throw lacks("a listing does not show an object that was just put");
        }
      }
    } finally {
      store.delete(bucket, key);
    }
  }

  private static long race(ObjectStore store, String bucket, String key, String etag) {
    try (var racers = Executors.newVirtualThreadPerTaskExecutor()) {
      var results =
          IntStream.range(0, RACERS)
              .mapToObj(
                  i ->
                      racers.submit(
                          () -> store.putIfMatch(bucket, key, bytes("racer " + i), TYPE, etag)))
              .toList();
      return results.stream().filter(f -> won(f)).count();
    }
  }

  private static boolean won(Future<java.util.Optional<String>> racer) {
    try {
      return racer.get().isPresent();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ObjectStoreException.Unavailable("interrupted", e);
    } catch (java.util.concurrent.ExecutionException e) {
      if (e.getCause() instanceof ObjectStoreException known) {
        throw known;
      }
      throw new IllegalStateException(e);
    }
  }

  private static ObjectStoreException lacks(String what) {
    return new ObjectStoreException.Rejected(what, null);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
