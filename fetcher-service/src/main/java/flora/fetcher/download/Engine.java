package flora.fetcher.download;

import java.time.Clock;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What all downloads of a process share: connections, memory, the way into the store.
 *
 * @param proven names of sources whose bytes made a large file right, and that never lied since
 */
record Engine(
    DownloadSettings settings,
    Board board,
    PartBuffers buffers,
    Storing storing,
    Set<String> proven,
    Clock clock) {

  static Engine of(DownloadSettings settings, Clock clock) {
    return new Engine(
        settings,
        new Board(settings),
        new PartBuffers(settings.bufferBytes()),
        new Storing(settings),
        ConcurrentHashMap.newKeySet(),
        clock);
  }
}
