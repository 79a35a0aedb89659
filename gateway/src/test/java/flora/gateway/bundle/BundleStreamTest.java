package flora.gateway.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.UploadedPart;
import flora.store.memory.MemoryObjectStore;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BundleStreamTest {

  /** Bytes that lie nowhere. */
  private static final class Zeros extends InputStream {
    private long left;

    Zeros(long length) {
      left = length;
    }

    @Override
    public int read() {
      return left-- > 0 ? 0 : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      if (left == 0) {
        return -1;
      }
      int n = (int) Math.min(left, length);
      Arrays.fill(bytes, offset, offset + n, (byte) 0);
      left -= n;
      return n;
    }
  }

  private static Sha256 zeros(long length) throws Exception {
    var digest = MessageDigest.getInstance("SHA-256");
    var zeros = new byte[1 << 20];
    for (long left = length; left > 0; left -= Math.min(left, zeros.length)) {
      digest.update(zeros, 0, (int) Math.min(left, zeros.length));
    }
    return Sha256.of(digest.digest());
  }

  /** A store that has one large object and keeps of what is uploaded in parts its size only. */
  private static ObjectStore store(String large, long size, AtomicLong uploaded) {
    var inner = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(inner::ensureBucket);
    return (ObjectStore)
        Proxy.newProxyInstance(
            BundleStreamTest.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (_, method, arguments) -> {
              if (method.getName().equals("freeBytes")) {
                return Optional.empty();
              }
              boolean isLarge =
                  arguments != null && arguments.length > 1 && large.equals(arguments[1]);
              if (isLarge && method.getName().equals("open")) {
                return new Zeros(size);
              }
              if (isLarge && method.getName().equals("head")) {
                return Optional.of(
                    new ObjectInfo((String) arguments[0], large, size, "x", Instant.EPOCH));
              }
              if (isLarge && method.getName().equals("startMultipart")) {
                return counting(uploaded);
              }
              try {
                return method.invoke(inner, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static ObjectStore.Multipart counting(AtomicLong uploaded) {
    return (ObjectStore.Multipart)
        Proxy.newProxyInstance(
            BundleStreamTest.class.getClassLoader(),
            new Class<?>[] {ObjectStore.Multipart.class},
            (_, method, arguments) -> {
              if (method.getName().equals("part")) {
                uploaded.addAndGet((int) arguments[2]);
                return new UploadedPart((int) arguments[0], "x", (int) arguments[2]);
              }
              return null;
            });
  }

  @Test
  void passesAFileThatIsLargerThanAllMemory() throws Exception {
    long size = Runtime.getRuntime().maxMemory() + 12_345;
    var digest = zeros(size);
    var key = StoreLayout.blob(digest);
    var entry =
        new RepoManifest.Entry(
            "model.safetensors",
            size,
            digest,
            null,
            "lfs-sha256",
            "hub.example",
            Instant.EPOCH,
            List.of(),
            null);
    var manifest = Bundles.manifest(entry);
    var from = store(key, size, new AtomicLong());
    var verified = new Verified(digest, size, "lfs-sha256", "hub.example", Instant.EPOCH);
    from.put(StoreLayout.MODELS, StoreLayout.verified(digest), Json.bytes(verified), "x/y");
    var uploaded = new AtomicLong();
    var to = store(key, size, uploaded);
    var export = new BundleExport(new Archive(from), Clock.systemUTC(), manifest, null);
    var in = new PipedInputStream(1 << 20);
    var written = new CompletableFuture<Void>();
    try (var out = new PipedOutputStream(in)) {
      Thread.ofPlatform()
          .start(
              () -> {
                try (out) {
                  export.write(out);
                  written.complete(null);
                } catch (Exception e) {
                  written.completeExceptionally(e);
                }
              });

      var report =
          new BundleImport(new Archive(to), Bundles.trusting(), Clock.systemUTC()).read(in);

      written.get(10, TimeUnit.SECONDS);
      assertThat(report.newBytes()).isEqualTo(size);
    }
    assertThat(uploaded.get()).isEqualTo(size);
    assertThat(Bundles.isVisible(to)).isTrue();
  }
}
