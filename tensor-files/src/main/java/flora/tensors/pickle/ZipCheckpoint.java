package flora.tensors.pickle;

import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.Unsupported;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The file that {@code torch.save} writes since PyTorch 1.6: a zip of {@code <root>/data.pkl} and
 * one {@code <root>/data/<key>} for each storage.
 */
final class ZipCheckpoint {

  private ZipCheckpoint() {}

  static Contents read(String file, ByteSource source) throws IOException {
    var archive = ZipArchive.open(file, source);
    var names = archive.entries().keySet();
    var pickles =
        archive.entries().values().stream()
            .filter(e -> e.name().endsWith("/data.pkl") && depth(e.name()) == 1)
            .toList();
    if (pickles.size() != 1) {
      throw new Unsupported(
          file, "is a zip archive with %d <name>/data.pkl, not one".formatted(pickles.size()));
    }
    var pickle = pickles.getFirst();
    var root = pickle.name().substring(0, pickle.name().indexOf('/') + 1);
    boolean script =
        names.contains(root + "constants.pkl")
            || names.stream().anyMatch(n -> n.startsWith(root + "code/"));
    if (script) {
      throw new Unsupported(file, "is a TorchScript program, not a checkpoint of weights");
    }
    archive.requireStored();
    byteOrder(file, source, archive, root);
    long begin = archive.begin(pickle);
    var input = new PickleInput(file, source, begin, begin + pickle.size());
    var rebuild = new Rebuild(file);
    var value = PickleMachine.run(input, rebuild);
    for (var storage : rebuild.storages().values()) {
      entry(file, archive, root, storage);
    }
    return new Contents(
        value, storage -> archive.begin(entry(file, archive, root, storage)), archive.window());
  }

  private static long depth(String name) {
    return name.chars().filter(c -> c == '/').count();
  }

  private static void byteOrder(String file, ByteSource source, ZipArchive archive, String root)
      throws IOException {
    var entry = archive.entries().get(root + "byteorder");
    if (entry == null) {
      return;
    }
    var text = new byte[(int) Math.min(entry.size(), 16)];
    source.read(archive.begin(entry), text, 0, text.length);
    if (!new String(text, StandardCharsets.UTF_8).strip().equals("little")) {
      throw new Unsupported(file, "was saved on a big-endian machine");
    }
  }

  private static ZipArchive.Entry entry(
      String file, ZipArchive archive, String root, Value.Storage storage) {
    var entry = archive.entries().get(root + "data/" + storage.key());
    if (entry == null) {
      throw new Malformed(
          file, Defect.BAD_STORAGE, "%sdata/%s is missing".formatted(root, storage.key()));
    }
    if (entry.size() < Rebuild.bytes(storage)) {
      throw new Malformed(
          file,
          Defect.BAD_STORAGE,
          "%s has %d bytes, the pickle says %d"
              .formatted(entry.name(), entry.size(), Rebuild.bytes(storage)));
    }
    return entry;
  }
}
