package flora.trainer.export;

import static flora.models.lora.LoraKeys.Network.UNET;

import flora.models.lora.LoraKeys;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.tensors.SafetensorsFile;
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
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An adapter in the keys of kohya's sd-scripts, which the WebUIs load as {@code <lora:name:1>}:
 * {@code lora_unet_mid_block_…_to_q.lora_down.weight}, {@code .lora_up.weight}, {@code .alpha}.
 *
 * <p>The metadata are those of sd-scripts' {@code train_network.py} that do not name a time, a
 * machine or a session.
 */
public final class KohyaFile {

  private KohyaFile() {}

  /** Writes the file. */
  public static void write(Adapter adapter, Provenance provenance, Path file) {
    var metadata = provenance.metadata();
    metadata.putAll(training(adapter, provenance));
    // the name that WebUIs know a file by, whatever is written into its header later
    metadata.put("sshs_model_hash", tensorHash(adapter));
    writer(adapter, metadata).writeTo(file);
  }

  /** Reads the pairs of these modules back. */
  public static List<Adapter.Pair> read(Path path, Collection<String> modules) {
    try (var file = SafetensorsFile.open(path)) {
      var pairs = new ArrayList<Adapter.Pair>();
      for (var module : modules) {
        pairs.add(
            new Adapter.Pair(
                module,
                Tensors.read(file, LoraKeys.KOHYA.a(UNET, module)),
                Tensors.read(file, LoraKeys.KOHYA.b(UNET, module))));
      }
      return List.copyOf(pairs);
    }
  }

  private static SafetensorsWriter writer(Adapter adapter, Map<String, String> metadata) {
    var writer = new SafetensorsWriter();
    metadata.forEach(writer::metadata);
    for (var pair : adapter.pairs()) {
      var module = pair.module();
      writer.add(LoraKeys.KOHYA.a(UNET, module), pair.down().shape(), pair.down().values());
      writer.add(LoraKeys.KOHYA.b(UNET, module), pair.up().shape(), pair.up().values());
      writer.add(LoraKeys.alpha(UNET, module), List.of(), new float[] {(float) adapter.alpha()});
    }
    return writer;
  }

  private static SortedMap<String, String> training(Adapter adapter, Provenance provenance) {
    var plan = provenance.plan();
    var optimizer = plan.optimizer();
    var pictures = plan.pictures();
    var gamma = plan.objective().snrGamma();
    var ss = new TreeMap<String, String>();
    ss.put("ss_output_name", provenance.name());
    ss.put("ss_base_model_version", provenance.baseVersion());
    ss.put("ss_sd_model_name", provenance.baseModel());
    ss.put("ss_v2", provenance.baseVersion().startsWith("sd_v2") ? "True" : "False");
    ss.put("ss_network_module", "networks.lora");
    ss.put("ss_network_dim", Integer.toString(adapter.rank()));
    ss.put("ss_network_alpha", Double.toString(adapter.alpha()));
    ss.put("ss_network_dropout", adapter.dropout() == 0 ? "None" : number(adapter.dropout()));
    ss.put("ss_learning_rate", number(optimizer.learningRate()));
    ss.put("ss_unet_lr", number(optimizer.learningRate()));
    ss.put("ss_text_encoder_lr", "None");
    ss.put("ss_lr_scheduler", optimizer.lrScheduler().name().toLowerCase(Locale.ROOT));
    ss.put("ss_lr_warmup_steps", Integer.toString(optimizer.lrWarmupSteps()));
    ss.put("ss_optimizer", "torch.optim.adamw.AdamW");
    ss.put("ss_max_grad_norm", number(optimizer.maxGradNorm()));
    ss.put("ss_min_snr_gamma", gamma == null ? "None" : number(gamma));
    ss.put("ss_max_train_steps", Long.toString(provenance.steps()));
    ss.put("ss_steps", Long.toString(provenance.steps()));
    ss.put("ss_num_epochs", Long.toString(provenance.epochs()));
    ss.put("ss_num_train_images", Long.toString(provenance.pictures()));
    ss.put("ss_num_reg_images", "0");
    ss.put("ss_batch_size_per_device", Integer.toString(optimizer.batchSize()));
    ss.put("ss_total_batch_size", Integer.toString(optimizer.batchSize()));
    ss.put(
        "ss_gradient_accumulation_steps", Integer.toString(optimizer.gradientAccumulationSteps()));
    ss.put("ss_resolution", "(%d, %d)".formatted(pictures.resolution(), pictures.resolution()));
    ss.put("ss_random_crop", pictures.centerCrop() ? "False" : "True");
    ss.put("ss_flip_aug", pictures.randomFlip() ? "True" : "False");
    ss.put("ss_mixed_precision", plan.compute().mixedPrecision().name().toLowerCase(Locale.ROOT));
    ss.put("ss_seed", Long.toString(plan.seed()));
    ss.put(
        "ss_dataset_dirs",
        Json.mapper()
            .writeValueAsString(
                Map.of(provenance.dataset(), new DatasetFolder(1, provenance.pictures()))));
    return ss;
  }

  /** As sd-scripts describe a folder of pictures. */
  private record DatasetFolder(int nRepeats, long imgCount) {}

  private static String number(double value) {
    return Double.toString(value);
  }

  /** sd-scripts' {@code addnet_hash_safetensors}: SHA-256 of all that follows the header. */
  private static String tensorHash(Adapter adapter) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      var body = new BodyOnly(new DigestOutputStream(OutputStream.nullOutputStream(), digest));
      writer(adapter, Map.of()).writeTo(body);
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
