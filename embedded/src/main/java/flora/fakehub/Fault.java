package flora.fakehub;

import java.net.URI;
import java.time.Duration;
import java.util.Map;

/** A way in which a hub, or what stands between, lets its client down. */
public sealed interface Fault {

  /** Meets requests whose path contains what {@link FakeHub#fault} was told, whatever they ask. */
  sealed interface OnRequest extends Fault {}

  /** Meets {@code resolve}'s own answer, the one before the bytes, by the file's path. */
  sealed interface OnResolve extends Fault {}

  /** Meets what the page of a revision says of a file, by the file's path. */
  sealed interface OnPage extends Fault {}

  /**
   * Meets the bytes of files whose repository path ends with what {@link FakeHub#fault} was told.
   */
  sealed interface OnBytes extends Fault {}

  /**
   * An answer with this status and no content.
   *
   * @param code the status
   * @param headers of the answer, such as {@code Retry-After}
   */
  record Status(int code, Map<String, String> headers) implements OnRequest {
    public Status {
      headers = Map.copyOf(headers);
    }

    /** Without headers. */
    public Status(int code) {
      this(code, Map.of());
    }
  }

  /** Takes the request and never answers. The connection stays open. */
  record BlackHole() implements OnRequest {}

  /** Takes the request and breaks the connection instead of answering. */
  record HangUp() implements OnRequest {}

  /** Answers as it should, but later. */
  record Late(Duration time) implements OnRequest {}

  /** Redirects to the same path and query under another base, for instance with 308. */
  record MovedTo(int status, URI base) implements OnRequest {}

  /** The file's name alone, as mirrors have it that do not know {@code blobs}. */
  record NameOnly() implements OnPage {}

  /** No SHA-256 of a large file, no git id of another. */
  record NoDigest() implements OnPage {}

  /** No {@code X-Repo-Commit}. */
  record NoCommit() implements OnResolve {}

  /** No {@code X-Linked-Size} and no {@code X-Linked-ETag}. */
  record NoLinks() implements OnResolve {}

  /** {@code X-Linked-Size} is wrong by so much. */
  record WrongLinkedSize(long by) implements OnResolve {}

  /** {@code X-Linked-ETag} is this one instead of the file's SHA-256. */
  record WrongLinkedEtag(String etag) implements OnResolve {}

  /** The connection breaks after so many bytes of the body. */
  record Cut(long afterBytes) implements OnBytes {}

  /** After so many bytes of the body nothing more comes for a while; then the connection breaks. */
  record Stall(long afterBytes, Duration time) implements OnBytes {

    /** The connection stays open until the client gives up. */
    public static Stall forEver(long afterBytes) {
      return new Stall(afterBytes, Duration.ofMillis(Integer.MAX_VALUE));
    }
  }

  /** The byte at this offset of the file is another one. */
  record WrongByte(long at) implements OnBytes {}

  /** One byte in each so many of the file is another one: every range of that length is wrong. */
  record WrongBytes(long every) implements OnBytes {}

  /** So many bytes are missing at the end, and Content-Length agrees. */
  record Shortened(long missingBytes) implements OnBytes {}

  /** Content-Length promises so many bytes more than come; then the connection breaks. */
  record TooLongLength(long by) implements OnBytes {}

  /**
   * {@code Content-Range} is right but for the size of the whole file, which is wrong by so much.
   */
  record WrongTotal(long by) implements OnBytes {}

  /** A page for people, with status 200, where the file should be. */
  record Html() implements OnBytes {}

  /** The git-lfs pointer, with status 200, where the file should be. */
  record Pointer() implements OnBytes {}

  /** No Content-Length, ETag, Accept-Ranges nor any X- header; ranges are ignored. */
  record BareHeaders() implements OnBytes {}

  /** No Content-Length: the body comes in chunks. */
  record NoLength() implements OnBytes {}

  /** No ETag. */
  record NoEtag() implements OnBytes {}

  /** This ETag instead of the file's own. */
  record WrongEtag(String etag) implements OnBytes {}

  /** The whole file with status 200 although a range was asked for. */
  record IgnoredRange() implements OnBytes {}

  /** 416 although the range lies within the file. */
  record RefusedRange() implements OnBytes {}

  /** Another range than the one that was asked for, so many bytes later, and its headers say so. */
  record OtherRange(long later) implements OnBytes {}

  /** The range that was asked for, with its Content-Range, but status 200 instead of 206. */
  record RangeWithStatus200() implements OnBytes {}

  /** So many bytes a second; 100 is a trickle. */
  record Slow(long bytesPerSecond) implements OnBytes {}
}
