package flora.trainer.encode;

import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.tensors.DType;
import flora.tensors.SafetensorsException;
import flora.tensors.SafetensorsFile;
import flora.tensors.SafetensorsWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What frozen networks say of pictures and texts, kept in the store for all runs: one fp32 tensor a
 * file. It only saves time: what is missing, damaged or cannot be reached is computed, and writing
 * goes on beside the training. Asked by one thread.
 */
public final class EncodingStore implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(EncodingStore.class);

  private static final String TENSOR = "encoding";
  private static final String DIGEST = "sha256";
  private static final String TYPE = "application/octet-stream";
  private static final int WAITING = 64;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final ObjectStore store;
  private final Path scratch;
  private final long capacity;
  private final ExecutorService writer =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("encodings").factory());
  private final Semaphore waiting = new Semaphore(WAITING);

  /** Bytes under the prefix as far as this process knows; only the writer touches it. */
  private long used = -1;

  private boolean failed;

  /**
   * The encodings of all runs.
   *
   * @param scratch where files may be laid for a moment
   * @param capacity bytes that they may take; 0 = nothing is kept
   */
  public EncodingStore(ObjectStore store, Path scratch, long capacity) {
    this.store = store;
    this.scratch = scratch;
    this.capacity = capacity;
  }

  /** The numbers that were put under a key, if they are there and of that shape. */
  Optional<float[]> find(EncodingKey key, List<Long> shape) {
    if (capacity == 0) {
      return Optional.empty();
    }
    var name = StoreLayout.encoding(key.digest());
    try {
      var object = store.read(StoreLayout.DATASETS, name);
      return object.isEmpty() ? Optional.empty() : Optional.of(values(object.get().bytes(), shape));
    } catch (SafetensorsException | Damaged e) {
      log.warn("{} is damaged and will be computed again: {}", name, e.getMessage());
    } catch (ObjectStoreException e) {
      log.warn("{} cannot be read and will be computed again: {}", name, e.getMessage());
    }
    return Optional.empty();
  }

  /** Keeps numbers under a key, some time later. */
  void put(EncodingKey key, List<Long> shape, float[] values) {
    if (capacity == 0) {
      return;
    }
    waiting.acquireUninterruptibly();
    writer.execute(
        () -> {
          try {
            write(StoreLayout.encoding(key.digest()), file(shape, values));
          } finally {
            waiting.release();
          }
        });
  }

  private void write(String name, byte[] file) {
    if (failed) {
      return;
    }
    try {
      if (used < 0) {
        used = makeRoom();
      }
      if (used + file.length <= capacity) {
        store.put(StoreLayout.DATASETS, name, file, TYPE);
        used += file.length;
      }
    } catch (ObjectStoreException e) {
      failed = true;
      log.warn("encodings are kept no more in this run: {}", e.getMessage());
    }
  }

  /** Takes the oldest away where less than a quarter is free. */
  private long makeRoom() {
    try (var objects = store.list(StoreLayout.DATASETS, StoreLayout.ENCODINGS)) {
      var all = objects.sorted(Comparator.comparing(ObjectInfo::lastModified)).toList();
      long total = all.stream().mapToLong(ObjectInfo::size).sum();
      for (var eldest : all) {
        if (total <= capacity / 4 * 3) {
          break;
        }
        store.delete(eldest.bucket(), eldest.key());
        total -= eldest.size();
      }
      return total;
    }
  }

  /** Waits until all is written. */
  @Override
  public void close() {
    writer.shutdown();
    try {
      if (!writer.awaitTermination(1, TimeUnit.MINUTES)) {
        log.warn("the store is slow, some encodings are not kept");
        writer.shutdownNow();
      }
    } catch (InterruptedException _) {
      writer.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private float[] values(byte[] bytes, List<Long> shape) {
    try {
      var path = Files.createTempFile(scratch, "encoding-", ".safetensors");
      try {
        Files.write(path, bytes);
        try (var file = SafetensorsFile.open(path)) {
          var info = file.tensors().get(TENSOR);
          if (info == null || info.dtype() != DType.F32 || !info.shape().equals(shape)) {
            throw new Damaged("it holds %s, expected %s".formatted(info, shape));
          }
          var data = file.data(TENSOR);
          var digest = Sha256.sum(data.toArray(ValueLayout.JAVA_BYTE)).hex();
          if (!digest.equals(file.metadata().get(DIGEST))) {
            throw new Damaged("its digest is wrong");
          }
          return data.toArray(FLOAT);
        }
      } finally {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] file(List<Long> shape, float[] values) {
    var bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    var out = new ByteArrayOutputStream(bytes.capacity() + 1024);
    try {
      new SafetensorsWriter()
          .metadata(DIGEST, Sha256.sum(bytes.array()).hex())
          .add(TENSOR, shape, values)
          .writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  /** The extents of an array, as files say them. */
  static List<Long> extents(long... shape) {
    return Arrays.stream(shape).boxed().toList();
  }

  private static final class Damaged extends RuntimeException {
    private static final long serialVersionUID = 1;

    Damaged(String message) {
      super(message);
    }
  }
}
