package flora.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.S3ProxyException;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/**
 * An S3 endpoint inside this JVM, on a folder: {@code folder/bucket/key} is the object's own file,
 * so whoever sits on the same machine can map it. Objects are replaced by renaming, never written
 * in place: a mapped file does not change.
 */
public final class EmbeddedS3 implements AutoCloseable {

  /** A request body that is checked against its signature is held in memory up to this size. */
  private static final long MAX_SIGNED_BODY = 64L << 20;

  /**
   * Where the endpoint listens and who may come in.
   *
   * @param folder its data; made when absent
   * @param bind address to listen on
   * @param port 0 for a free one
   * @param accessKey of the one user
   * @param secretKey of the one user
   */
  public record Options(Path folder, String bind, int port, String accessKey, String secretKey) {

    /** On loopback, on a free port, with the default user. */
    public static Options on(Path folder) {
      return new Options(folder, "127.0.0.1", 0, "flora", "flora-secret");
    }

    /** On this port. */
    public Options withPort(int newPort) {
      return new Options(folder, bind, newPort, accessKey, secretKey);
    }

    @Override
    public String toString() {
      return "Options[folder=%s, bind=%s, port=%d, accessKey=%s]"
          .formatted(folder, bind, port, accessKey);
    }
  }

  private final S3Proxy proxy;
  private final FolderLock lock;
  private final Options options;
  private final Path objects;
  private final PlacedUploads uploads;

  private EmbeddedS3(
      S3Proxy proxy, FolderLock lock, Options options, Path objects, PlacedUploads uploads) {
    this.uploads = uploads;
    this.proxy = proxy;
    this.lock = lock;
    this.options = options;
    this.objects = objects;
  }

  /**
   * Starts the endpoint and returns when it serves.
   *
   * @throws FolderInUseException when another process serves this folder
   * @throws PortInUseException when the port is taken
   */
  public static EmbeddedS3 start(Options options) throws IOException {
    var lock = FolderLock.take(options.folder());
    try {
      var objects = Files.createDirectories(options.folder().resolve("objects"));
      LeftOver.sweep(objects, Instant.now());
      var port = Ports.claim(options.bind(), options.port());
      var uploads =
          new PlacedUploads(
              new FilesystemNio2BlobStore(objects.toAbsolutePath().toString()), objects);
      var proxy =
          S3Proxy.builder()
              .blobStore(new AtomicConditions(uploads))
              .endpoint(URI.create("http://" + options.bind() + ":" + port))
              .awsAuthentication(
                  AuthenticationType.AWS_V2_OR_V4, options.accessKey(), options.secretKey())
              .v4MaxNonChunkedRequestSize(MAX_SIGNED_BODY)
              .jettyMaxThreads(64)
              .build();
      proxy.start();
      while (!"STARTED".equals(proxy.getState())) {
        Thread.sleep(2);
      }
      return new EmbeddedS3(proxy, lock, options, objects, uploads);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      lock.close();
      throw new IOException("interrupted while the S3 endpoint started", e);
    } catch (Exception e) {
      lock.close();
      throw new IOException("the S3 endpoint does not start", e);
    }
  }

  /** For clients on this machine. */
  public URI endpoint() {
    var host = "0.0.0.0".equals(options.bind()) ? "127.0.0.1" : options.bind();
    return URI.create("http://" + host + ":" + proxy.getPort());
  }

  /** The name of the one user. */
  public String accessKey() {
    return options.accessKey();
  }

  /** The secret of the one user. */
  public String secretKey() {
    return options.secretKey();
  }

  /** The folder in which {@code bucket/key} is an object's own file. */
  public Path objects() {
    return objects;
  }

  /** The file that an object lies in, to be read or mapped and never written. */
  public Optional<Path> localFile(String bucket, String key) {
    var folder = objects.resolve(bucket).normalize();
    var file = folder.resolve(key).normalize();
    return file.startsWith(folder)
            && folder.startsWith(objects)
            && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
        ? Optional.of(file)
        : Optional.empty();
  }

  /**
   * Puts a part into an open upload past the network, for who is in the same process.
   *
   * @return its etag; empty when it has to be sent: because of what the upload asks for, or because
   *     something is wrong, which is then the endpoint's to say
   */
  public Optional<String> putPart(
      String bucket, String key, String uploadId, int number, ByteBuffer bytes) {
    try {
      return uploads.put(bucket, key, uploadId, number, bytes);
    } catch (S3ProxyException | UncheckedIOException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() throws IOException {
    try {
      proxy.stop();
    } catch (Exception e) {
      throw new IOException("the S3 endpoint does not stop", e);
    } finally {
      lock.close();
    }
  }
}
