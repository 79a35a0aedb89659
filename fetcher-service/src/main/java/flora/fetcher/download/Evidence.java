package flora.fetcher.download;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32C;

/**
 * Who gave which bytes of a file, as checksums. When a part is fetched once more every piece of it
 * that was given before is compared with what came now. Thread-safe.
 */
final class Evidence {

  private static final class Piece {
    final Part.Run run;
    final long crc32c;
    boolean isContradicted;

    Piece(Part.Run run, long crc32c) {
      this.run = run;
      this.crc32c = crc32c;
    }
  }

  private final Map<Integer, List<Piece>> pieces = new HashMap<>();

  /** A part has come, in these runs. */
  synchronized void gave(int number, byte[] bytes, List<Part.Run> runs) {
    var all = pieces.computeIfAbsent(number, _ -> new ArrayList<>());
    all.forEach(piece -> piece.isContradicted = crc32c(bytes, piece.run) != piece.crc32c);
    runs.forEach(run -> all.add(new Piece(run, crc32c(bytes, run))));
  }

  /** A source has shown a piece of a part. */
  synchronized void showed(int number, Part.Run run, long crc32c) {
    var all = pieces.computeIfAbsent(number, _ -> new ArrayList<>());
    var shown = new Piece(run, crc32c);
    // when the part itself comes later all are compared with that
    shown.isContradicted =
        all.stream()
            .filter(p -> !p.isContradicted)
            .filter(p -> p.run.from() == run.from() && p.run.to() == run.to())
            .anyMatch(p -> p.crc32c != crc32c);
    all.add(shown);
  }

  /** Who gave something else than what has come last: liars, when that has proved to be right. */
  synchronized Set<String> contradicted() {
    var names = new TreeSet<String>();
    for (var all : pieces.values()) {
      all.stream().filter(p -> p.isContradicted).forEach(p -> names.add(p.run.source()));
    }
    return names;
  }

  private static long crc32c(byte[] bytes, Part.Run run) {
    var crc = new CRC32C();
    crc.update(bytes, run.from(), run.to() - run.from());
    return crc.getValue();
  }
}
