package flora.hub;

import java.time.Duration;

/** One copy of one file, at one hub or mirror. Thread-safe. */
public interface FileSource {

  /** Name of the hub or mirror, as in events. */
  String name();

  /** Connections to that hub or mirror at once, over all files. */
  int maxConnections();

  /** False while it is not worth asking: it does not have the file, or failed too often lately. */
  boolean isUsable();

  /**
   * Bytes {@code from} (inclusive) to {@code to} (exclusive); the caller closes the stream. Not
   * tried again.
   *
   * @throws HubException for no answer, or one that is not these bytes
   */
  FileStream open(long from, long to) throws InterruptedException;

  /** Tells that so many bytes came over one connection in this time. */
  void moved(long bytes, Duration time);

  /** Tells that a connection failed. */
  void failed(HubException e);

  /** Tells that it gave wrong bytes. */
  void lied(String what);
}
