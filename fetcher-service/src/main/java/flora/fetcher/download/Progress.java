package flora.fetcher.download;

import flora.schemas.fetch.FetchEvent.Bottleneck;
import flora.schemas.fetch.FetchEvent.SourceShare;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far a download is.
 *
 * @param done bytes that lie in the store or are on their way through
 * @param bytesPerSecond over the last seconds
 * @param linkBytesPerSecond the most that has been seen to come in over some seconds
 * @param etaSeconds until the last byte; null while that cannot be told
 * @param bottleneck what keeps it from being faster; null while that cannot be told
 * @param sources who gives how much
 */
public record Progress(
    long done,
    long bytesPerSecond,
    long linkBytesPerSecond,
    @Nullable Long etaSeconds,
    @Nullable Bottleneck bottleneck,
    List<SourceShare> sources) {

  public Progress {
    sources = List.copyOf(sources);
  }
}
