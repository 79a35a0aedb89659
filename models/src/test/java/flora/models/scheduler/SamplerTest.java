package flora.models.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import flora.models.Golden;
import flora.models.ModelConfig;
import flora.models.ModelException.Unsupported;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class SamplerTest {

  static final Path EXPECTED = Path.of("src/test/resources/flora/models/scheduler/expected.json");

  private static final Path TRAINING =
      Path.of("src/test/resources/flora/models/train/expected.json");

  private static final float[] START = {1.2f, -0.4f, 0.05f, 2.1f, -1.7f, 0.6f};

  static ModelConfig config(String json) {
    return ModelConfig.of(Path.of("scheduler_config.json"), json.replace('\'', '"'));
  }

  static Stream<Named<JsonNode>> cases() {
    return Stream.of(EXPECTED, TRAINING)
        .flatMap(
            file -> StreamSupport.stream(Golden.json(file).get("samplers").spliterator(), false))
        .map(
            c ->
                Named.of(
                    c.get("kind").stringValue() + " " + c.get("steps") + " " + c.get("config"), c));
  }

  /** The made-up network of tools/parity/make_schedulers.py. */
  private static float[] network(float[] input, int visit, double timestep) {
    float[] output = new float[input.length];
    for (int i = 0; i < output.length; i++) {
      output[i] =
          (float) (0.8 * Math.sin(0.37 * i + 0.11 * visit + 0.001 * timestep) + 0.1 * input[i]);
    }
    return output;
  }

  /** The made-up noise of tools/parity/make_training.py. */
  private static float[] noise(int step, int count) {
    float[] noise = new float[count];
    for (int i = 0; i < count; i++) {
      noise[i] = (float) Math.sin(1.7 * i + 0.9 * step + 0.3);
    }
    return noise;
  }

  private static float[] scaled(float[] values, double factor) {
    float[] result = new float[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) (values[i] * factor);
    }
    return result;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void takesThePeersSteps(JsonNode expected) {
    var kind = Sampler.Kind.valueOf(expected.get("kind").stringValue());
    var sampler =
        Sampler.of(
            kind,
            config(expected.get("config").toString()),
            expected.get("steps").intValue(),
            SamplerTest::noise);

    JsonNode timesteps = expected.get("timesteps");
    assertThat(sampler.steps()).isEqualTo(timesteps.size());
    double sigma = expected.get("initial_sigma").doubleValue();
    assertThat(sampler.initialSigma()).isCloseTo(sigma, within(1e-5 * sigma));
    float[] sample = scaled(START, sampler.initialSigma());
    int at = 0;
    for (int k = 0; k < sampler.steps(); k++) {
      double timestep = timesteps.get(k).doubleValue();
      assertThat(sampler.timestep(k)).as("timestep %d", k).isCloseTo(timestep, within(1e-3));
      assertThat(sampler.inputScale(k))
          .isCloseTo(expected.get("input_scales").get(k).doubleValue(), within(1e-6));
      float[] output = network(scaled(sample, sampler.inputScale(k)), k, timestep);

      sample = sampler.step(k, output, sample);

      for (float value : sample) {
        double golden = expected.get("after").get(at++).doubleValue();
        double tolerance = 2e-4 * Math.max(1, Math.abs(golden));
        assertThat((double) value).as("after step %d", k).isCloseTo(golden, within(tolerance));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          DDIM       | thresholding          | {'thresholding':true}
          DDIM       | beta_schedule         | {'beta_schedule':'laplace'}
          DDIM       | prediction_type       | {'prediction_type':'flow_prediction'}
          DDIM       | timestep_spacing      | {'timestep_spacing':'random'}
          DDIM       | trained_betas         | {'trained_betas':[0.1]}
          DDIM       | steps_offset          | {'steps_offset':500}
          EULER_ANCESTRAL | prediction_type  | {'prediction_type':'sample'}
          PNDM       | prediction_type       | {'prediction_type':'sample'}
          PNDM       | skip_prk_steps        | {'num_train_timesteps':1000}
          EULER      | use_beta_sigmas       | {'use_beta_sigmas':true}
          EULER      | timestep_type         | {'timestep_type':'continuous','prediction_type':'v_prediction'}
          EULER      | interpolation_type    | {'interpolation_type':'cubic'}
          EULER      | final_sigmas_type     | {'final_sigmas_type':'max'}
          EULER      | use_exponential_sigmas| {'use_exponential_sigmas':true,'use_karras_sigmas':true}
          DPM_SOLVER | algorithm_type        | {'algorithm_type':'sde-dpmsolver++'}
          DPM_SOLVER | solver_order          | {'solver_order':4}
          DPM_SOLVER | solver_type           | {'solver_type':'rk'}
          DPM_SOLVER | use_lu_lambdas        | {'use_lu_lambdas':true}
          DPM_SOLVER | use_flow_sigmas       | {'use_flow_sigmas':true}
          DPM_SOLVER | variance_type         | {'variance_type':'learned_range'}
          """)
  void refusesByNameWhatItDoesNotDo(Sampler.Kind kind, String key, String json) {
    assertThatThrownBy(() -> Sampler.of(kind, config(json), 3, SamplerTest::noise))
        .isInstanceOfSatisfying(Unsupported.class, e -> assertThat(e.key()).isEqualTo(key))
        .hasMessageContaining("scheduler_config.json");
  }

  @ParameterizedTest
  @EnumSource(Sampler.Kind.class)
  void takesNoMoreStepsThanTheModelWasTrainedWith(Sampler.Kind kind) {
    assertThatThrownBy(
            () -> Sampler.of(kind, config("{'num_train_timesteps':10}"), 11, SamplerTest::noise))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Sampler.of(kind, config("{}"), 0, SamplerTest::noise))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "ddim, DDIM",
    "pndm, PNDM",
    "euler, EULER",
    "euler_a, EULER_ANCESTRAL",
    "dpmpp_2m, DPM_SOLVER"
  })
  void everySamplerHasAWord(String word, Sampler.Kind kind) {
    assertThat(Sampler.Kind.named(word)).isEqualTo(kind);
    assertThatThrownBy(() -> Sampler.Kind.named(word + "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("euler_a");
  }

  @Test
  void theNoiseOfASeedIsTheSameWheneverItIsAsked() {
    var noise = Sampler.Noise.seeded(3);
    assertThat(noise.of(2, 5)).isEqualTo(noise.of(2, 5)).isNotEqualTo(noise.of(1, 5));
  }

  @Test
  void theFileNamesTheKind() {
    assertThat(Sampler.Kind.of(config("{'_class_name':'EulerDiscreteScheduler'}")))
        .isEqualTo(Sampler.Kind.EULER);
    assertThatThrownBy(() -> Sampler.Kind.of(config("{'_class_name':'LCMScheduler'}")))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("LCMScheduler");
  }

  @Test
  void readsTheInfinityThatThePeerWrites() {
    var sampler =
        Sampler.of(
            Sampler.Kind.DPM_SOLVER,
            config("{'lambda_min_clipped':-Infinity}"),
            5,
            SamplerTest::noise);

    assertThat(sampler.timestep(0)).isEqualTo(999);
  }
}
