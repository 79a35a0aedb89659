package flora.standalone.parity;

import flora.models.ModelConfig;
import flora.models.singlefile.ModelFiles;
import flora.schemas.Sha256;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.ObjectivePlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.TrainingPlan;
import flora.trainer.export.Adapter;
import flora.trainer.export.AdapterExport;
import flora.trainer.export.NetworkProbe;
import flora.trainer.export.Provenance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the adapter of a replayed training run with the exporter that every run uses, for the
 * Python libraries to load.
 */
final class ReplayExport {

  private ReplayExport() {}

  /** Writes {@code adapter/…} into a folder. */
  static void write(GoldenSet set, ModelConfig hyper, Adapter adapter, Path folder) {
    Path weights = set.model().resolve("unet").resolve("diffusion_pytorch_model.safetensors");
    var plan = plan(hyper);
    var provenance =
        new Provenance(
            set.name(),
            String.valueOf(set.model().getFileName()),
            null,
            digest(weights),
            "sd_v1",
            hyper.text("prediction_type", "epsilon"),
            set.name(),
            digest(set.folder().resolve("golden.safetensors")),
            hyper.texts("files").size(),
            plan,
            hyper.integer("steps"),
            1);
    try (var probe = NetworkProbe.open(ModelFiles.open(set.model()), adapter)) {
      AdapterExport.write(adapter, provenance, SavePrecision.FP32, probe, folder);
    }
  }

  private static TrainingPlan.StableDiffusionLora plan(ModelConfig hyper) {
    List<Double> betas = hyper.decimals("betas");
    @Nullable Double gamma = hyper.has("min_snr_gamma") ? hyper.decimal("min_snr_gamma") : null;
    var scheduler =
        switch (hyper.text("sched", "constant")) {
          case "constant" -> TrainingPlan.LrScheduler.CONSTANT;
          case "constant_with_warmup" -> TrainingPlan.LrScheduler.CONSTANT_WITH_WARMUP;
          case "cosine" -> TrainingPlan.LrScheduler.COSINE;
          default -> throw hyper.unsupported("sched", "a run knows constant and cosine");
        };
    var network =
        NetworkPlan.of(
            hyper.integer("rank"),
            hyper.decimal("alpha"),
            hyper.decimal("dropout"),
            hyper.texts("unet_targets"));
    var optimizer =
        OptimizerPlan.of(
            hyper.integer("batch"),
            hyper.integer("accum"),
            OptimizerPlan.Length.ofSteps(hyper.integer("steps")),
            new OptimizerPlan.Rate(hyper.decimal("lr"), scheduler, hyper.integer("warmup")),
            new OptimizerPlan.AdamW(
                betas.get(0),
                betas.get(1),
                hyper.decimal("eps"),
                hyper.decimal("weight_decay"),
                hyper.decimal("clip_grad_norm")));
    return TrainingPlan.StableDiffusionLora.defaults()
        .with(network)
        .with(optimizer)
        .with(ObjectivePlan.of(gamma))
        .with(PicturePlan.of(64, true, false))
        .with(KeepPlan.of(hyper.integer("steps")))
        .withSeed(hyper.integer("lora_seed"));
  }

  private static Sha256 digest(Path file) {
    try {
      return Sha256.sum(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
