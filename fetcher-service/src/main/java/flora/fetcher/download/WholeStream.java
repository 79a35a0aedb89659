package flora.fetcher.download;

import flora.hub.FileSource;
import flora.hub.FileStream;

/**
 * The bytes of a source that sends a whole file whatever range is asked for. Each further request
 * would bring all of them again, so there is one of these for a source and a file, and it is read
 * on from range to range.
 */
final class WholeStream {

  final FileTask file;
  final FileSource source;
  final FileStream stream;

  /** Offset in the file of the next byte; for the thread that reads. */
  long position;

  WholeStream(FileTask file, FileSource source, FileStream stream) {
    this.file = file;
    this.source = source;
    this.stream = stream;
  }

  /** It is of no use any more: another one may be opened. */
  void end() {
    file.drop(this);
    stream.cancel(); // there is no telling how much is still to come
    stream.close();
  }
}
