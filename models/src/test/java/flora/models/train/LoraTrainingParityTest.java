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
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import flora.models.train.ParameterGroups.Group;
import flora.models.weights.AdaptableLayer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  @CsvSource({"sd-lora-const,", "sd-lora-minsnr,", "sd-lora-minsnr,FIT", "sd-lora-te,FIT"})
  void replaysPeft(String set, @Nullable Keep keep) {
    try (var golden = Golden.open(set);
        var unet = UNet.open(MODELS.resolve("tiny-sd/unet"));
        var encoder = ClipTextEncoder.open(MODELS.resolve("tiny-sd/text_encoder"));
        var loras = new Loras(golden, unet, encoder)) {
      JsonNode hyper = golden.hyper();
      var groups = loras.groups(hyper);
      var names = groups.names();
      var schedule = NoiseSchedule.read(MODELS.resolve("tiny-sd/scheduler/scheduler_config.json"));
      Double gamma =
          hyper.get("min_snr_gamma").isNull() ? null : hyper.get("min_snr_gamma").doubleValue();
      var loss = new DenoisingLoss(unet, schedule, Objective.of(schedule, gamma));
      int share = hyper.get("accum").intValue();
      int steps = hyper.get("steps").intValue();
      var course = course(hyper, steps);
      boolean readsTrained = loras.text != null;
      var losses = new float[steps];
      var norms = new double[steps];
      int liveAfterTwo = 0;
      try (var optimizer = new AdamW(groups, AdamW.Settings.DEFAULT);
          var step = new LoraStep(optimizer, 1)) {
        for (int i = 0; i < steps; i++) {
          double sum = 0;
          for (int micro = i * share; micro < (i + 1) * share; micro++) {
            int m = micro;
            if (keep == null) {
              sum +=
                  step.accumulate(
                      () -> loss.of(batch(golden, m, encoder.forward(ids(golden, m)))), share);
            } else {
              sum += accumulate(golden, encoder, loss, step, m, share, keep);
            }
          }
          assertThat(sum / share)
              .as("loss of step %d", i)
              .isCloseTo(doubles(golden, "log.loss")[i], within(golden.tolerance("log.loss")));
          if (i == 0) {
            check(golden, "grad_first.", names, step.gradients());
          }
          double factor = course.factor(i);
          int count = groups.groups().size();
          for (int g = 0; g < count; g++) {
            assertThat(groups.groups().get(g).rate() * factor)
                .isCloseTo(doubles(golden, "log.lr")[i * count + g], within(1e-9));
          }
          double norm = step.update(factor);
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
          if (i == 9 && golden.names().contains("step10." + names.getFirst())) {
            checkWeights(golden, "step10.", groups);
            for (int p = 0; p < names.size(); p++) {
              golden.assertClose("step10.exp_avg." + names.get(p), optimizer.firstMoment(p));
              golden.assertClose("step10.exp_avg_sq." + names.get(p), optimizer.secondMoment(p));
            }
          }
        }
        checkWeights(golden, "final.", groups);
        if (golden.names().contains("grad_final." + names.getFirst())) {
          accumulate(golden, encoder, loss, step, 0, 1, Keep.ALL);
          check(golden, "grad_final.", names, step.gradients());
        }
      }
      try (var scope = new Scope()) {
        golden.assertClose("verify.unet_out", verify(golden, unet, encoder, readsTrained));
        loras.unet.strength(0);
        if (loras.text != null) {
          loras.text.strength(0);
        }
        golden.assertClose("verify.base_unet_out", verify(golden, unet, encoder, readsTrained));
      }
    }
  }

  private static double accumulate(
      Golden golden,
      ClipTextEncoder encoder,
      DenoisingLoss loss,
      LoraStep step,
      int micro,
      int share,
      Keep keep) {
    try (var scope = new Scope();
        var segments = new Segments(keep, 0, () -> {})) {
      int context = encoder.forward(segments, segments.input(ids(golden, micro), false), 0);
      var batch = batch(golden, micro, segments.value(context));
      return step.accumulate(segments, loss.of(segments, batch, context), share);
    }
  }

  /** With the text encoder where that is trained, or else with the stored context. */
  private static float[] verify(
      Golden golden, UNet unet, ClipTextEncoder encoder, boolean readsTrained) {
    long[] at = golden.longs("verify.timestep");
    NDArray context =
        readsTrained
            ? encoder.forward(
                Aten.of(golden.longs("verify.input_ids"), longs(golden.shape("verify.input_ids"))))
            : array(golden, "verify.context");
    return unet.forward(array(golden, "verify.sample"), new float[] {at[0], at[1]}, context)
        .toFloatArray();
  }

  /** The adapters of a set as they begin. */
  private static final class Loras implements AutoCloseable {
    final Lora unet;
    final @Nullable Lora text;

    Loras(Golden golden, UNet unet, ClipTextEncoder encoder) {
      this.unet = initial(golden, Network.UNET, unet.layers(), "unet_targets");
      text =
          golden.hyper().get("te").booleanValue()
              ? initial(golden, Network.TEXT_ENCODER, encoder.layers(), "te_targets")
              : null;
    }

    ParameterGroups groups(JsonNode hyper) {
      Group first = Group.of(unet, hyper.get("lr").doubleValue());
      return text == null
          ? ParameterGroups.of(first)
          : ParameterGroups.of(first, Group.of(text, hyper.get("te_lr").doubleValue()));
    }

    @Override
    public void close() {
      unet.close();
      if (text != null) {
        text.close();
      }
    }
  }

  private static Lora initial(
      Golden golden, Network network, Map<String, AdaptableLayer> layers, String targetsKey) {
    JsonNode hyper = golden.hyper();
    var targets = new ArrayList<String>();
    hyper.get(targetsKey).forEach(target -> targets.add(target.stringValue()));
    var config =
        LoraConfig.of(hyper.get("rank").intValue(), hyper.get("alpha").doubleValue(), 0, targets);
    String prefix = "init." + network.word() + ".";
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    for (String name : golden.names()) {
      if (name.startsWith(prefix)) {
        matrices.put(
            name.substring(prefix.length()),
            new LoraState.Matrix(longs(golden.shape(name)), golden.floats(name)));
      }
    }
    assertThat(matrices).hasSizeGreaterThan(10);
    return Lora.of(network, layers, config, new LoraState(matrices));
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

  private static NDArray ids(Golden golden, int micro) {
    return Aten.of(
        Arrays.copyOfRange(golden.longs("data.input_ids"), micro * 2 * 77, (micro + 1) * 2 * 77),
        2,
        77);
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
      golden.assertClose(prefix + names.get(i), all.get(i).toFloatArray());
    }
  }

  /** At least 99 % within the tolerance, and close as a whole, except where nothing is learnt. */
  private static void checkWeights(Golden golden, String prefix, ParameterGroups groups) {
    Set<String> degenerate = new HashSet<>();
    golden.hyper().get("degenerate").forEach(name -> degenerate.add(name.stringValue()));
    List<String> names = groups.names();
    for (int p = 0; p < names.size(); p++) {
      String key = names.get(p);
      if (degenerate.contains(key)) {
        continue;
      }
      float[] actual = groups.parameters().get(p).toFloatArray();
      float[] expected = golden.floats(prefix + key);
      double tolerance = golden.tolerance(prefix + key);
      int within = 0;
      double difference = 0;
      double size = 0;
      for (int i = 0; i < expected.length; i++) {
        double d = (double) actual[i] - expected[i];
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
    }
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
