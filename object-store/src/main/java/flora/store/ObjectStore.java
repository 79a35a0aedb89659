package flora.store;

import flora.schemas.store.ObjectRef;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Bytes by bucket and key. Thread-safe. A listing shows a put that has returned. Only what every S3
 * has is here: no tags, no versions, no notifications; conditions only on single-part puts.
 *
 * <p>Every method throws {@link ObjectStoreException}: {@code NotFound} for a missing key where one
 * was expected, {@code Unavailable} when trying again may help (short outages have been waited for
 * already), {@code Rejected} when it will not. So do the streams that are handed out: they reopen
 * themselves where a connection broke.
 */
public interface ObjectStore {

  /** The longest life of a link. */
  Duration MAX_PRESIGNED = Duration.ofMinutes(15);

  /** The size of part that uploads use unless the object has too many of them. */
  int PART_SIZE = 16 << 20;

  /** Makes a bucket unless it is there. */
  void ensureBucket(String bucket);

  /** What is known of an object without reading it. */
  Optional<ObjectInfo> head(String bucket, String key);

  /** A small object in one piece, with the etag that a conditional put needs. */
  Optional<Stored> read(String bucket, String key);

  /** An object from its first byte; the caller closes the stream. */
  InputStream open(String bucket, String key);

  /** {@code length} bytes of an object from {@code offset}; the caller closes the stream. */
  InputStream open(String bucket, String key, long offset, long length);

  /** Writes a small object, whatever was there; returns its new etag. */
  String put(String bucket, String key, byte[] bytes, String contentType);

  /**
   * Writes a small object unless the key is taken ({@code If-None-Match: *}); the etag if it won.
   */
  Optional<String> putIfAbsent(String bucket, String key, byte[] bytes, String contentType);

  /**
   * Replaces a small object that still has this etag ({@code If-Match}); the new etag if it won.
   */
  Optional<String> putIfMatch(
      String bucket, String key, byte[] bytes, String contentType, String etag);

  /** Uploads a file of any size and returns its reference, digest included. */
  ObjectRef upload(String bucket, String key, Path file, String contentType);

  /** Begins a multipart upload; nothing is visible before it is completed. */
  Multipart startMultipart(String bucket, String key, String contentType);

  /**
   * Goes on with a multipart upload that another process may have begun. The store is not asked: an
   * upload that is gone has no parts, and completing it is {@code NotFound} or {@code Rejected}.
   */
  Multipart resumeMultipart(String bucket, String key, String uploadId);

  /**
   * Multipart uploads under a prefix that are neither completed nor aborted, in key order, paged
   * behind the scenes; close the stream.
   */
  Stream<OpenUpload> openUploads(String bucket, String prefix);

  /** Everything under a prefix, in key order, paged behind the scenes; close the stream. */
  Stream<ObjectInfo> list(String bucket, String prefix);

  /** Removes an object; no error when it is not there. */
  void delete(String bucket, String key);

  /** Copies within the store, without the bytes passing through here. */
  void copy(String fromBucket, String fromKey, String toBucket, String toKey);

  /** A link that works without credentials for a while, at most {@link #MAX_PRESIGNED}. */
  URI presignGet(String bucket, String key, Duration validFor);

  /** Free bytes of the medium, when the store can tell. */
  Optional<Long> freeBytes();

  /**
   * An upload in parts. Parts may come in any order and from several threads; a number that is sent
   * again replaces the part. Without {@link #complete} nothing is ever visible. An upload that is
   * neither completed, aborted nor closed stays, whatever becomes of this process: see {@link
   * #resumeMultipart}.
   */
  interface Multipart extends AutoCloseable {

    /** What the store calls it. */
    String uploadId();

    /** Uploads one part, numbered from 1; every part but the last has at least 5 MiB. */
    UploadedPart part(int number, byte[] bytes, int length);

    /** The parts that lie in the store, by number, whoever sent them; none when it is gone. */
    List<UploadedPart> parts();

    /** Makes the object visible: all parts that were sent from here. */
    void complete();

    /** Makes the object visible: these parts. */
    void complete(List<UploadedPart> parts);

    /** Drops the parts; no error when the upload is gone. */
    void abort();

    /** Drops the parts, unless the upload was completed. */
    @Override
    void close();
  }
}
