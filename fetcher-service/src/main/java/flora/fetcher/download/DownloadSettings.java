package flora.fetcher.download;

import flora.hub.RetryPolicy;
import java.time.Duration;

/**
 * How the download engine works.
 *
 * @param parallelFiles how many large files are on their way at once
 * @param bufferBytes what all part buffers together may take
 * @param firstByte longest wait for the first byte of an answer
 * @param stallWindow a connection slower than {@code slowestBytesPerSecond} over this time is
 *     replaced
 * @param slowestBytesPerSecond see {@code stallWindow}
 * @param fullRetry how often to try again while the store's medium is full
 * @param claimSilence a download whose owner has not been heard for so long may be taken over
 * @param leftOverAge a download that nobody has gone on with for so long is thrown away
 * @param policy when and how often to ask a source again
 */
public record DownloadSettings(
    int parallelFiles,
    long bufferBytes,
    Duration firstByte,
    Duration stallWindow,
    long slowestBytesPerSecond,
    Duration fullRetry,
    Duration claimSilence,
    Duration leftOverAge,
    RetryPolicy policy) {

  /** For a service on its own. */
  public static final DownloadSettings DEFAULT =
      new DownloadSettings(
          4,
          160L << 20,
          Duration.ofSeconds(10),
          Duration.ofSeconds(5),
          16 << 10,
          Duration.ofSeconds(10),
          Duration.ofSeconds(10),
          Duration.ofDays(7),
          RetryPolicy.DEFAULT);

  /** The smallest part of a multipart upload, and the largest range that is asked for at once. */
  static final int PART = 8 << 20;

  private static final int MOST_PARTS = 10_000;

  public DownloadSettings {
    if (parallelFiles < 1 || parallelFiles > 64) {
      throw new IllegalArgumentException("parallelFiles must be 1 to 64, got " + parallelFiles);
    }
    if (bufferBytes < 2L * PART) {
      throw new IllegalArgumentException(
          "bufferBytes must hold two parts of %d bytes, got %d".formatted(PART, bufferBytes));
    }
  }

  /** The same with another number of files at once. */
  public DownloadSettings with(int otherParallelFiles) {
    return new DownloadSettings(
        otherParallelFiles,
        bufferBytes,
        firstByte,
        stallWindow,
        slowestBytesPerSecond,
        fullRetry,
        claimSilence,
        leftOverAge,
        policy);
  }

  /** The same with another policy. */
  public DownloadSettings with(RetryPolicy other) {
    return new DownloadSettings(
        parallelFiles,
        bufferBytes,
        firstByte,
        stallWindow,
        slowestBytesPerSecond,
        fullRetry,
        claimSilence,
        leftOverAge,
        other);
  }

  /** Parts of this size, doubled from 8 MB on, make a file of at most 10,000 of them. */
  static int partSize(long fileSize) {
    long size = PART;
    while ((fileSize + size - 1) / size > MOST_PARTS) {
      size *= 2;
    }
    return Math.toIntExact(size);
  }
}
