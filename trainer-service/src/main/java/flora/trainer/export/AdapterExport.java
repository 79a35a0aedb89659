package flora.trainer.export;

import flora.models.lora.LoraFile;
import flora.schemas.request.KeepPlan.SavePrecision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes an adapter in all forms that are handed out, and proves that they load again: the values
 * are the trained ones as rounded, and what the networks say with them differs by no more than
 * that.
 */
public final class AdapterExport {

  static final String DIFFUSERS = "adapter/diffusers/pytorch_lora_weights.safetensors";
  static final String PEFT = "adapter/peft/";

  private AdapterExport() {}

  /**
   * Writes the files below a folder.
   *
   * @param precision of the matrices, rounded to nearest even
   * @param probe applies each file
   * @return their names relative to the folder
   * @throws ExportException when a file does not hold the adapter, or the adapter is useless
   */
  public static List<String> write(
      Adapter adapter, Provenance provenance, SavePrecision precision, Probe probe, Path folder) {
    var names = write(adapter, provenance, precision, folder);
    for (var name : names) {
      if (name.endsWith(".safetensors")) {
        var deviation = probe.deviation(folder.resolve(name));
        if (!deviation.isWithin(share(precision))) {
          throw new ExportException.ActsOtherwise(name, deviation);
        }
      }
    }
    return names;
  }

  /** The same without applying the files: for adapters that no network is at hand for. */
  public static List<String> write(
      Adapter adapter, Provenance provenance, SavePrecision precision, Path folder) {
    check(adapter, precision);
    var names = new ArrayList<String>();

    var kohya = "adapter/kohya/" + provenance.name() + ".safetensors";
    KohyaFile.write(
        adapter, KohyaMetadata.of(adapter, provenance), precision, inside(folder, kohya));
    names.add(kohya);

    DiffusersFile.write(adapter, provenance.metadata(), precision, inside(folder, DIFFUSERS));
    names.add(DIFFUSERS);

    for (var part : adapter.parts()) {
      var peft = PEFT + part.network().word() + "/";
      inside(folder, peft + PeftFolder.MODEL);
      PeftFolder.write(
          part,
          provenance.metadata(),
          provenance.baseModel(),
          provenance.baseCommit(),
          precision,
          folder.resolve(peft));
      names.add(peft + PeftFolder.MODEL);
      compare(part, precision, folder.resolve(peft + PeftFolder.MODEL));
      names.add(peft + PeftFolder.CONFIG);
    }
    for (var part : adapter.parts()) {
      compare(part, precision, folder.resolve(kohya));
      compare(part, precision, folder.resolve(DIFFUSERS));
    }
    return List.copyOf(names);
  }

  /** How much of the adapter's effect rounding may change. */
  private static double share(SavePrecision precision) {
    return switch (precision) {
      case FP32 -> 1e-4;
      case FP16 -> 0.01;
      case BF16 -> 0.05;
    };
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

  static void check(Adapter adapter, SavePrecision precision) {
    boolean changes = false;
    for (var pair : adapter.pairs()) {
      boolean down = check(pair.module(), pair.down(), precision);
      boolean up = check(pair.module(), pair.up(), precision);
      changes |= down && up;
    }
    if (!changes) {
      throw new ExportException.ChangesNothing();
    }
  }

  /** Whether any value is not zero. */
  private static boolean check(String module, Adapter.Tensor tensor, SavePrecision precision) {
    boolean any = false;
    for (float value : tensor.values()) {
      if (!Float.isFinite(value)) {
        throw new ExportException.NotFinite(module);
      }
      float rounded = Tensors.rounded(value, precision);
      if (!Float.isFinite(rounded)) {
        throw new ExportException.TooLarge(module, value, precision);
      }
      any |= rounded != 0;
    }
    return any;
  }

  /** Reads a part of a file back. */
  static void compare(Adapter.Part part, SavePrecision precision, Path file) {
    var name = String.valueOf(file.getFileName());
    var modules = part.pairs().stream().map(Adapter.Pair::module).toList();
    var read = Adapter.Part.of(part.network(), LoraFile.read(file, part.network(), modules));
    if (read.pairs().size() != part.pairs().size()) {
      throw new ExportException.NotEqual(name, "the number of layers");
    }
    for (int i = 0; i < part.pairs().size(); i++) {
      var written = part.pairs().get(i);
      var back = read.pairs().get(i);
      if (!written.module().equals(back.module())
          || Math.abs(written.alpha() - back.alpha()) > 1e-6 * Math.abs(written.alpha())
          || !same(written.down(), back.down(), precision)
          || !same(written.up(), back.up(), precision)) {
        throw new ExportException.NotEqual(name, written.module());
      }
    }
  }

  private static boolean same(Adapter.Tensor a, Adapter.Tensor b, SavePrecision precision) {
    if (!a.shape().equals(b.shape())) {
      return false;
    }
    for (int i = 0; i < a.values().length; i++) {
      if (Tensors.rounded(a.values()[i], precision) != b.values()[i]) {
        return false;
      }
    }
    return true;
  }
}
