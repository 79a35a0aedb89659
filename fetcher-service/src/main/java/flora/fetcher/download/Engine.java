package flora.fetcher.download;

import java.time.Clock;

/** What all downloads of a process share: connections, memory, the way into the store. */
record Engine(
    DownloadSettings settings, Board board, PartBuffers buffers, Storing storing, Clock clock) {

  static Engine of(DownloadSettings settings, Clock clock) {
    return new Engine(
        settings,
        new Board(settings),
        new PartBuffers(settings.bufferBytes()),
        new Storing(settings),
        clock);
  }
}
