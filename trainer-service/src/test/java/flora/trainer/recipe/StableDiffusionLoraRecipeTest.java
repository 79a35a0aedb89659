package flora.trainer.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import flora.models.ModelConfig;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Prediction;
import flora.models.train.Objective;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.request.TrainingPlan;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.ObjectNode;

/** What becomes of the keys of a request before anything is trained. */
class StableDiffusionLoraRecipeTest {

  /** Of ten steps, two of them warm-up; the rate's factor at some of them, as diffusers has it. */
  @ParameterizedTest
  @CsvSource({
    "constant, 1, 1, 1, 1",
    "constant_with_warmup, 0.5, 1, 1, 1",
    "linear, 0.5, 1, 0.5, 0.125",
    "cosine, 0.5, 1, 0.5, 0.03806023",
    "cosine_with_restarts, 0.5, 1, 1, 0.14644661",
    "polynomial, 0.5, 1, 0.2503748, 0.01611717"
  })
  void aCourseIsTheOneThatIsNamed(String word, double one, double two, double six, double nine) {
    var optimizer =
        Map.of(
            "lr_scheduler",
            word,
            "lr_warmup_steps",
            2,
            "lr_num_cycles",
            2,
            "lr_power",
            2.0,
            "learning_rate",
            2e-4);

    var course = StableDiffusionLoraRecipe.learningRate(plan(optimizer), 10);

    assertThat(course.factor(1)).isCloseTo(one, within(1e-6));
    assertThat(course.factor(2)).isCloseTo(two, within(1e-6));
    assertThat(course.factor(6)).isCloseTo(six, within(1e-6));
    assertThat(course.factor(9)).isCloseTo(nine, within(1e-6));
  }

  @Test
  void whereNothingIsSaidTheModelsOwnObjectiveHolds() {
    var schedule = schedule("v_prediction", false);

    assertThat(objective(Map.of(), schedule))
        .isEqualTo(new Objective(Prediction.VELOCITY, null, 0, new Objective.Loss.L2(), 0, 1000));
  }

  @Test
  void everyKeyOfTheObjectiveCounts() {
    var schedule = schedule("epsilon", false);

    assertThat(
            objective(
                Map.of(
                    "prediction_type",
                    "sample",
                    "snr_gamma",
                    5,
                    "noise_offset",
                    0.05,
                    "loss_type",
                    "smooth_l1",
                    "huber_c",
                    0.2,
                    "huber_schedule",
                    "exponential",
                    "min_timestep",
                    10,
                    "max_timestep",
                    900),
                schedule))
        .isEqualTo(
            new Objective(
                Prediction.SAMPLE,
                5.0,
                0.05,
                new Objective.Loss.SmoothL1(0.2, Objective.Schedule.EXPONENTIAL),
                10,
                900));
    assertThat(objective(Map.of("loss_type", "huber", "huber_schedule", "snr"), schedule).loss())
        .isEqualTo(new Objective.Loss.Huber(0.1, Objective.Schedule.SNR));
    assertThat(objective(Map.of("loss_type", "l1"), schedule).loss())
        .isEqualTo(new Objective.Loss.L1());
  }

  @Test
  void timestepsThatTheModelLacksAreNamed() {
    var schedule = schedule("epsilon", false);
    for (var unfit : new Map<?, ?>[] {Map.of("max_timestep", 1001), Map.of("min_timestep", 1000)}) {
      assertThatThrownBy(() -> objective(unfit, schedule))
          .isInstanceOfSatisfying(
              RecipeException.ObjectiveUnfit.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID))
          .hasMessageContaining("the model, which has 1000");
    }
  }

  /** 0/0 would be its weight. */
  @Test
  void ofPureNoiseAModelThatPredictsItLearnsNothing() {
    var ends = schedule("epsilon", true);
    var usual = schedule("epsilon", false);

    assertThatThrownBy(() -> objective(Map.of("snr_gamma", 5), ends))
        .isInstanceOf(RecipeException.ObjectiveUnfit.class)
        .hasMessageContaining("pure noise");
    assertThatThrownBy(
            () -> objective(Map.of("zero_terminal_snr", true), usual.withZeroTerminalSnr()))
        .isInstanceOf(RecipeException.ObjectiveUnfit.class);
    assertThat(objective(Map.of(), ends).snrGamma()).isNull();
    assertThat(
            objective(Map.of("snr_gamma", 5, "prediction_type", "v_prediction"), ends).snrGamma())
        .isEqualTo(5);
  }

  private static Objective objective(Map<?, ?> keys, NoiseSchedule schedule) {
    return StableDiffusionLoraRecipe.objective(plan(keys).objective(), schedule);
  }

  /** The default plan with some keys. */
  private static TrainingPlan.StableDiffusionLora plan(Map<?, ?> keys) {
    var tree = (ObjectNode) Json.mapper().valueToTree(TrainingPlan.StableDiffusionLora.defaults());
    keys.forEach((key, value) -> tree.set((String) key, Json.mapper().valueToTree(value)));
    return Json.mapper().treeToValue(tree, TrainingPlan.StableDiffusionLora.class);
  }

  private static NoiseSchedule schedule(String prediction, boolean endsInNoise) {
    var config =
        """
        {"_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085,
         "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "%s",
         "rescale_betas_zero_snr": %s}
        """
            .formatted(prediction, endsInNoise);
    return NoiseSchedule.of(ModelConfig.of(Path.of("scheduler_config.json"), config));
  }
}
