package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.aten.Segments.Keep;
import flora.models.clip.ClipTextEncoder;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraState;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * Twenty steps of training, as one graph or in segments, equal peft's and torch's, step by step.
 */
class LoraTrainingParityTest {
  private static final Path MODELS = Golden.ROOT.resolve("models");

  @ParameterizedTest
  @CsvSource({"sd-lora-const,", "sd-lora-minsnr,", "sd-lora-minsnr,FIT"})
  void replaysPeft(String set, @Nullable Keep keep) {
    try (var golden = Golden.open(set);
        var unet = UNet.open(MODELS.resolve("tiny-sd/unet"));
        var lora = initial(golden, unet)) {
      JsonNode hyper = golden.hyper();
      var names = lora.names();
      var loss =
          new DenoisingLoss(
              unet,
              NoiseSchedule.read(MODELS.resolve("tiny-sd/scheduler/scheduler_config.json")),
              hyper.get("min_snr_gamma").isNull()
                  ? null
                  : hyper.get("min_snr_gamma").doubleValue());
      int share = hyper.get("accum").intValue();
      int steps = hyper.get("steps").intValue();
      var course = course(hyper, steps);
      List<NDArray> contexts = contexts(golden, share * steps);
      var losses = new float[steps];
      var norms = new double[steps];
      int liveAfterTwo = 0;
      try (var optimizer = new AdamW(names, lora.parameters(), AdamW.Settings.DEFAULT);
          var step = new LoraStep(lora.parameters(), optimizer, 1)) {
        for (int i = 0; i < steps; i++) {
          double sum = 0;
          for (int micro = i * share; micro < (i + 1) * share; micro++) {
            int m = micro;
            if (keep == null) {
              sum += step.accumulate(() -> loss.of(batch(golden, m, contexts.get(m))), share);
            } else {
              try (var scope = new Scope();
                  var segments = new Segments(keep, 0, () -> {})) {
                int id = loss.of(segments, batch(golden, m, contexts.get(m)));
                sum += step.accumulate(segments, id, share);
              }
            }
          }
          assertThat(sum / share)
              .as("loss of step %d", i)
              .isCloseTo(doubles(golden, "log.loss")[i], within(golden.tolerance("log.loss")));
          if (i == 0) {
            check(golden, "grad_first.", names, step.gradients());
          }
          double rate = hyper.get("lr").doubleValue() * course.factor(i);
          assertThat(rate).isCloseTo(doubles(golden, "log.lr")[i], within(1e-9));
          double norm = step.update(rate);
          assertThat(norm)
              .as("gradient norm of step %d", i)
              .isCloseTo(
                  doubles(golden, "log.grad_norm")[i], within(golden.tolerance("log.grad_norm")));
          int live = Aten.manager().getManagedArrays().size();
          if (i == 1) {
            liveAfterTwo = live;
          } else if (i > 1) {
            assertThat(live).as("live arrays after step %d", i + 1).isEqualTo(liveAfterTwo);
          }
          if (i == 9 && golden.names().contains("step10.unet." + names.getFirst())) {
            checkWeights(golden, "step10.", lora);
            for (int p = 0; p < names.size(); p++) {
              close(golden, "step10.exp_avg.unet." + names.get(p), optimizer.firstMoment(p));
              close(golden, "step10.exp_avg_sq.unet." + names.get(p), optimizer.secondMoment(p));
            }
          }
        }
        checkWeights(golden, "final.", lora);
        if (golden.names().contains("grad_final.unet." + names.getFirst())) {
          step.accumulate(() -> loss.of(batch(golden, 0, contexts.getFirst())), 1);
          check(golden, "grad_final.", names, step.gradients());
        }
      }
      try (var scope = new Scope()) {
        long[] at = golden.longs("verify.timestep");
        NDArray y =
            unet.forward(
                array(golden, "verify.sample"),
                new float[] {at[0], at[1]},
                array(golden, "verify.context"));
        golden.assertClose("verify.unet_out", y.toFloatArray());
        lora.strength(0);
        NDArray base =
            unet.forward(
                array(golden, "verify.sample"),
                new float[] {at[0], at[1]},
                array(golden, "verify.context"));
        golden.assertClose("verify.base_unet_out", base.toFloatArray());
      }
      contexts.forEach(NDArray::close);
    }
  }

  private static Lora initial(Golden golden, UNet unet) {
    JsonNode hyper = golden.hyper();
    var targets = new ArrayList<String>();
    hyper.get("unet_targets").forEach(target -> targets.add(target.stringValue()));
    var config =
        new LoraConfig(hyper.get("rank").intValue(), hyper.get("alpha").doubleValue(), 0, targets);
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    for (String name : golden.names()) {
      if (name.startsWith("init.unet.")) {
        matrices.put(
            name.substring("init.unet.".length()),
            new LoraState.Matrix(longs(golden.shape(name)), golden.floats(name)));
      }
    }
    assertThat(matrices).hasSizeGreaterThan(100);
    return Lora.of(unet.layers(), config, new LoraState(matrices));
  }

  private static LearningRate course(JsonNode hyper, long steps) {
    long warmup = hyper.get("warmup").longValue();
    return switch (hyper.get("sched").stringValue()) {
      case "constant" -> new LearningRate.Constant();
      case "constant_with_warmup" -> new LearningRate.ConstantWithWarmup(warmup);
      case "linear" -> new LearningRate.Linear(warmup, steps);
      case "cosine" -> new LearningRate.Cosine(warmup, steps);
      default -> throw new IllegalArgumentException(hyper.get("sched").stringValue());
    };
  }

  /** The text encoder's output for every micro-batch. */
  private static List<NDArray> contexts(Golden golden, int count) {
    var contexts = new ArrayList<NDArray>();
    try (var encoder = ClipTextEncoder.open(MODELS.resolve("tiny-sd/text_encoder"))) {
      long[] ids = golden.longs("data.input_ids");
      int size = ids.length / count;
      for (int i = 0; i < count; i++) {
        long[] batch = Arrays.copyOfRange(ids, i * size, (i + 1) * size);
        contexts.add(encoder.forward(Aten.of(batch, 2, size / 2)));
      }
    }
    return contexts;
  }

  private static DenoisingLoss.Batch batch(Golden golden, int micro, NDArray context) {
    long[] times = golden.longs("data.timesteps");
    return new DenoisingLoss.Batch(
        row(golden, "data.latents", micro),
        row(golden, "data.noise", micro),
        List.of((int) times[2 * micro], (int) times[2 * micro + 1]),
        context);
  }

  private static NDArray row(Golden golden, String name, int row) {
    long[] shape = longs(golden.shape(name));
    float[] all = golden.floats(name);
    int size = all.length / (int) shape[0];
    return Aten.of(
        Arrays.copyOfRange(all, row * size, (row + 1) * size),
        Arrays.copyOfRange(shape, 1, shape.length));
  }

  private static NDArray array(Golden golden, String name) {
    return Aten.of(golden.floats(name), longs(golden.shape(name)));
  }

  private static void check(Golden golden, String prefix, List<String> names, List<NDArray> all) {
    for (int i = 0; i < names.size(); i++) {
      close(golden, prefix + "unet." + names.get(i), all.get(i).toFloatArray());
    }
  }

  private static void close(Golden golden, String name, float[] actual) {
    golden.assertClose(name, actual);
  }

  /** At least 99 % within the tolerance, and close as a whole, except where nothing is learnt. */
  private static void checkWeights(Golden golden, String prefix, Lora lora) {
    Set<String> degenerate = new HashSet<>();
    golden.hyper().get("degenerate").forEach(name -> degenerate.add(name.stringValue()));
    lora.state()
        .matrices()
        .forEach(
            (name, matrix) -> {
              String key = "unet." + name;
              if (degenerate.contains(key)) {
                return;
              }
              float[] expected = golden.floats(prefix + key);
              double tolerance = golden.tolerance(prefix + key);
              int within = 0;
              double difference = 0;
              double size = 0;
              for (int i = 0; i < expected.length; i++) {
                double d = (double) matrix.values()[i] - expected[i];
                within += Math.abs(d) <= tolerance ? 1 : 0;
                difference += d * d;
                size += (double) expected[i] * expected[i];
              }
              assertThat(within / (double) expected.length)
                  .as("%s%s: share within %s", prefix, key, tolerance)
                  .isGreaterThanOrEqualTo(0.99);
              assertThat(Math.sqrt(difference / size))
                  .as("%s%s: relative difference", prefix, key)
                  .isLessThan(1e-2);
            });
  }

  private static double[] doubles(Golden golden, String name) {
    float[] values = golden.floats(name);
    var doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }

  private static long[] longs(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }
}
