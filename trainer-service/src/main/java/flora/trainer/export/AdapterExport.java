package flora.trainer.export;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Writes an adapter in all forms that are handed out, and proves that they load again with the very
 * same weights.
 */
public final class AdapterExport {

  private static final String DIFFUSERS = "adapter/diffusers/pytorch_lora_weights.safetensors";
  private static final String PEFT = "adapter/peft/unet";

  private AdapterExport() {}

  /**
   * Writes the files below a folder.
   *
   * @return their names relative to it
   * @throws ExportException when a file does not hold the adapter, or the adapter is useless
   */
  public static List<String> write(Adapter adapter, Provenance provenance, Path folder) {
    check(adapter);
    var modules = adapter.pairs().stream().map(Adapter.Pair::module).toList();

    var kohya = "adapter/kohya/" + provenance.name() + ".safetensors";
    KohyaFile.write(adapter, provenance, inside(folder, kohya));
    compare(adapter, kohya, KohyaFile.read(folder.resolve(kohya), modules));

    DiffusersFile.write(adapter, provenance, inside(folder, DIFFUSERS));
    compare(adapter, DIFFUSERS, DiffusersFile.read(folder.resolve(DIFFUSERS), modules));

    var weights = PEFT + "/" + PeftFolder.MODEL;
    inside(folder, weights);
    PeftFolder.write(adapter, provenance, folder.resolve(PEFT));
    compare(adapter, weights, PeftFolder.read(folder.resolve(PEFT), modules));

    return List.of(kohya, DIFFUSERS, weights, PEFT + "/" + PeftFolder.CONFIG);
  }

  private static Path inside(Path folder, String name) {
    try {
      var file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void check(Adapter adapter) {
    boolean changes = false;
    for (var pair : adapter.pairs()) {
      for (float value : pair.down().values()) {
        if (!Float.isFinite(value)) {
          throw new ExportException.NotFinite(pair.module());
        }
      }
      for (float value : pair.up().values()) {
        if (!Float.isFinite(value)) {
          throw new ExportException.NotFinite(pair.module());
        }
        changes |= value != 0;
      }
    }
    if (!changes) {
      throw new ExportException.ChangesNothing();
    }
  }

  private static void compare(Adapter adapter, String file, List<Adapter.Pair> read) {
    for (int i = 0; i < read.size(); i++) {
      var written = adapter.pairs().get(i);
      if (!same(written.down(), read.get(i).down()) || !same(written.up(), read.get(i).up())) {
        throw new ExportException.NotEqual(file, written.module());
      }
    }
  }

  private static boolean same(Adapter.Tensor a, Adapter.Tensor b) {
    return a.shape().equals(b.shape()) && Arrays.equals(a.values(), b.values());
  }
}
