package flora.labeler.caption;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
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
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Embeddings of labels, kept in the store for all runs and all labelers: a safetensors file by
 * model commit and list. Whoever comes first computes and keeps them, so that all use the same
 * ones; what is damaged is computed again and replaced.
 */
public final class StoredEmbeddings implements LabelEmbeddings {

  private static final Logger log = LoggerFactory.getLogger(StoredEmbeddings.class);

  /** Longer lists are not kept: they are put and read in one piece. */
  private static final long MAX_BYTES = 64 << 20;

  private static final String TENSOR = "labels";
  private static final String DIGEST = "sha256";
  private static final String TYPE = "application/octet-stream";
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final ObjectStore store;
  private final RepoId repo;
  private final String commit;
  private final Path scratch;

  /**
   * The embeddings by one model.
   *
   * @param repo of the model
   * @param commit of the model
   * @param scratch where files may be laid for a moment; it is made if it is not there
   */
  public StoredEmbeddings(ObjectStore store, RepoId repo, String commit, Path scratch) {
    this.store = store;
    this.repo = repo;
    this.commit = commit;
    this.scratch = scratch;
  }

  @Override
  public float[][] get(Sha256 list, int count, Supplier<float[][]> compute) {
    var key = StoreLayout.labelEmbeddings(repo, commit, list);
    var there = read(key, count);
    if (there.isPresent()) {
      return there.get();
    }
    var vectors = compute.get();
    if ((long) count * vectors[0].length * Float.BYTES > MAX_BYTES) {
      return vectors;
    }
    var file = file(vectors);
    if (store.putIfAbsent(StoreLayout.MODELS, key, file, TYPE).isPresent()) {
      return vectors;
    }
    // somebody else was first, or what is there is damaged
    var others = read(key, count);
    if (others.isEmpty()) {
      store.put(StoreLayout.MODELS, key, file, TYPE);
    }
    return others.orElse(vectors);
  }

  private Optional<float[][]> read(String key, int count) {
    var object = store.read(StoreLayout.MODELS, key);
    if (object.isEmpty()) {
      return Optional.empty();
    }
    try {
      Files.createDirectories(scratch);
      var path = Files.createTempFile(scratch, "labels-", ".safetensors");
      try {
        Files.write(path, object.get().bytes());
        try (var file = SafetensorsFile.open(path)) {
          return Optional.of(vectors(file, count));
        }
      } finally {
        Files.delete(path);
      }
    } catch (SafetensorsException | Damaged e) {
      log.warn("{} is damaged and will be computed again: {}", key, e.getMessage());
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lay out " + key, e);
    }
  }

  private static float[][] vectors(SafetensorsFile file, int count) throws Damaged {
    var info = file.info(TENSOR);
    var shape = info.shape();
    if (info.dtype() != DType.F32 || shape.size() != 2 || shape.getFirst() != count) {
      throw new Damaged("it holds %s %s".formatted(info.dtype(), shape));
    }
    var data = file.data(TENSOR);
    var digest = Sha256.sum(data.toArray(ValueLayout.JAVA_BYTE)).hex();
    if (!digest.equals(file.metadata().get(DIGEST))) {
      throw new Damaged("its digest is wrong");
    }
    int size = Math.toIntExact(shape.get(1));
    var vectors = new float[count][size];
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < size; j++) {
        vectors[i][j] = data.get(FLOAT, ((long) i * size + j) * Float.BYTES);
      }
    }
    return vectors;
  }

  private static byte[] file(float[][] vectors) {
    int size = vectors[0].length;
    var bytes =
        ByteBuffer.allocate(vectors.length * size * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (var vector : vectors) {
      bytes.asFloatBuffer().put(vector);
      bytes.position(bytes.position() + size * Float.BYTES);
    }
    var out = new ByteArrayOutputStream(bytes.capacity() + 1024);
    try {
      new SafetensorsWriter()
          .metadata(DIGEST, Sha256.sum(bytes.array()).hex())
          .add(
              TENSOR,
              DType.F32,
              List.of((long) vectors.length, (long) size),
              (SafetensorsWriter.Source) o -> o.write(bytes.array()))
          .writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  /** What is in the store is not what was put there. */
  private static final class Damaged extends Exception {
    private static final long serialVersionUID = 1;

    Damaged(String message) {
      super(message);
    }
  }
}
