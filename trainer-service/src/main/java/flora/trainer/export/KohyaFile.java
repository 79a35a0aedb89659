package flora.trainer.export;

import flora.models.lora.LoraKeys;
import flora.models.lora.LoraKeys.Network;
import flora.schemas.Sha256;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * An adapter in the keys of kohya's sd-scripts, which the WebUIs load as {@code <lora:name:1>}:
 * {@code lora_unet_mid_block_…_to_q.lora_down.weight}, {@code .lora_up.weight}, {@code .alpha}. An
 * alpha stays fp32 in every precision: it may be no round number.
 */
public final class KohyaFile {

  private KohyaFile() {}

  /** Writes the file of a training in fp32. */
  public static void write(Adapter adapter, Provenance provenance, Path file) {
    write(adapter, KohyaMetadata.of(adapter, provenance), SavePrecision.FP32, file);
  }

  static void write(
      Adapter adapter, Map<String, String> metadata, SavePrecision precision, Path file) {
    // the name that WebUIs know a file by, whatever is written into its header later
    writer(adapter, metadata, precision)
        .metadata("sshs_model_hash", tensorHash(adapter, precision))
        .writeTo(file);
  }

  /** Reads the pairs of these modules of the UNet back. */
  public static List<Adapter.Pair> read(Path path, Collection<String> modules) {
    return read(path, Network.UNET, modules);
  }

  /** Reads the pairs of these modules of a network back. */
  public static List<Adapter.Pair> read(Path path, Network network, Collection<String> modules) {
    try (var file = Checkpoint.open(path)) {
      var pairs = new ArrayList<Adapter.Pair>();
      for (var module : modules) {
        pairs.add(
            new Adapter.Pair(
                module,
                Tensors.read(file, LoraKeys.alpha(network, module)).values()[0],
                Tensors.read(file, LoraKeys.KOHYA.a(network, module)),
                Tensors.read(file, LoraKeys.KOHYA.b(network, module))));
      }
      return List.copyOf(pairs);
    }
  }

  private static SafetensorsWriter writer(
      Adapter adapter, Map<String, String> metadata, SavePrecision precision) {
    var writer = new SafetensorsWriter();
    metadata.forEach(writer::metadata);
    for (var part : adapter.parts()) {
      for (var pair : part.pairs()) {
        var module = pair.module();
        Tensors.add(writer, LoraKeys.KOHYA.a(part.network(), module), pair.down(), precision);
        Tensors.add(writer, LoraKeys.KOHYA.b(part.network(), module), pair.up(), precision);
        var alpha = LoraKeys.alpha(part.network(), module);
        writer.add(alpha, List.of(), new float[] {(float) pair.alpha()});
      }
    }
    return writer;
  }

  /** sd-scripts' {@code addnet_hash_safetensors}: SHA-256 of all that follows the header. */
  private static String tensorHash(Adapter adapter, SavePrecision precision) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      var body = new BodyOnly(new DigestOutputStream(OutputStream.nullOutputStream(), digest));
      writer(adapter, Map.of(), precision).writeTo(body);
      return Sha256.of(digest.digest()).hex();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Passes on what follows the header of a safetensors file. */
  private static final class BodyOnly extends OutputStream {
    private final OutputStream body;
    private long position;
    private long headerLength;

    BodyOnly(OutputStream body) {
      this.body = body;
    }

    @Override
    public void write(int value) throws IOException {
      if (position < Long.BYTES) {
        headerLength |= (value & 0xFFL) << (8 * position);
      } else if (position >= Long.BYTES + headerLength) {
        body.write(value);
      }
      position++;
    }
  }
}
