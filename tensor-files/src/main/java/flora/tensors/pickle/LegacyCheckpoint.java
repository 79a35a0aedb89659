package flora.tensors.pickle;

import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.Unsupported;
import flora.tensors.pickle.Value.Dict;
import flora.tensors.pickle.Value.Huge;
import flora.tensors.pickle.Value.Sequence;
import flora.tensors.pickle.Value.Storage;
import flora.tensors.pickle.Value.Text;
import flora.tensors.pickle.Value.Truth;
import flora.tensors.pickle.Value.Whole;
import java.io.IOException;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;

/**
 * The file that {@code torch.save} wrote before PyTorch 1.6: five pickles (magic number, protocol,
 * facts of the machine, the object, the keys of its storages), then each storage as a count of
 * elements in eight bytes and the elements.
 */
final class LegacyCheckpoint {

  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long PROTOCOL = 1001;

  private final String file;
  private final ByteSource source;
  private final Rebuild rebuild;
  private final Window window;
  private long at;

  private LegacyCheckpoint(String file, ByteSource source) {
    this.file = file;
    this.source = source;
    this.rebuild = new Rebuild(file);
    this.window = new Window(source, source.size(), Window.USUAL);
  }

  static Contents read(String file, ByteSource source) throws IOException {
    return new LegacyCheckpoint(file, source).read();
  }

  private Contents read() throws IOException {
    if (!(pickle() instanceof Huge(BigInteger magic)) || !magic.equals(MAGIC)) {
      throw new Unsupported(
          file, "is a pickle that torch.save did not write (its magic number is missing)");
    }
    if (!(pickle() instanceof Whole(long protocol)) || protocol != PROTOCOL) {
      throw new Unsupported(file, "has another protocol than 1001");
    }
    if (!(pickle() instanceof Dict facts)
        || !(facts.items.get("little_endian") instanceof Truth(boolean little))) {
      throw new Malformed(file, Defect.BAD_PICKLE, "the facts of the machine are missing");
    }
    if (!little) {
      throw new Unsupported(file, "was saved on a big-endian machine");
    }
    var root = pickle();
    if (!(pickle() instanceof Sequence keys)) {
      throw new Malformed(file, Defect.BAD_PICKLE, "the list of storages is missing");
    }
    var begins = begins(keys);
    return new Contents(root, storage -> begin(storage, begins), window);
  }

  private Value pickle() throws IOException {
    var input = new PickleInput(file, source, at, source.size());
    var value = PickleMachine.run(input, rebuild);
    at = input.position();
    return value;
  }

  /** Where each storage's count stands; together they fill the rest of the file. */
  private Map<String, Long> begins(Sequence keys) {
    var begins = new HashMap<String, Long>();
    for (var item : keys.items) {
      var storage = item instanceof Text(String key) ? rebuild.storages().get(key) : null;
      if (storage == null) {
        throw new Malformed(
            file, Defect.BAD_STORAGE, "the list of storages names one that no tensor uses");
      }
      if (begins.put(storage.key(), at) != null) {
        throw new Malformed(
            file, Defect.DUPLICATE_ENTRY, "storage " + storage.key() + " stands in it twice");
      }
      if (Rebuild.bytes(storage) > source.size() - at - Long.BYTES) {
        throw new Malformed(
            file,
            Defect.TRUNCATED,
            "storage %s of %d bytes begins at byte %d of %d"
                .formatted(storage.key(), Rebuild.bytes(storage), at, source.size()));
      }
      at += Long.BYTES + Rebuild.bytes(storage);
    }
    if (begins.size() != rebuild.storages().size() || at != source.size()) {
      throw new Malformed(
          file, Defect.BAD_STORAGE, "the storages of its tensors are not those that follow them");
    }
    return begins;
  }

  private long begin(Storage storage, Map<String, Long> begins) throws IOException {
    Long begin = begins.get(storage.key());
    if (begin == null) {
      throw new Malformed(
          file, Defect.BAD_STORAGE, "storage %s is missing".formatted(storage.key()));
    }
    long count = window.i64(begin);
    var named = rebuild.storages().get(storage.key());
    if (named == null || count != named.count()) {
      throw new Malformed(
          file,
          Defect.BAD_STORAGE,
          "storage %s has %d elements, the pickle says %d"
              .formatted(storage.key(), count, storage.count()));
    }
    return begin + Long.BYTES;
  }
}
