package flora.models.scheduler;

import flora.models.ModelConfig;
import flora.models.random.RandomStream;

/**
 * One way from pure noise to a picture: {@link #steps()} times the network is asked and the sample
 * changed.
 *
 * <pre>
 *   sample = noise · initialSigma()
 *   for i in 0 … steps() − 1:
 *     output = network(sample · inputScale(i), timestep(i))
 *     sample = step(i, output, sample)
 * </pre>
 *
 * <p>A sampler remembers earlier outputs: it serves one picture (or batch) on one thread, its steps
 * called in order. Arrays passed in are kept, so they must not be changed; the result is a new one.
 */
public sealed interface Sampler permits Ddim, Pndm, Euler, EulerAncestral, DpmSolver {

  /** The samplers. */
  enum Kind {
    DDIM,
    PNDM,
    EULER,
    EULER_ANCESTRAL,
    DPM_SOLVER;

    /**
     * The sampler of a word in a request: {@code ddim}, {@code pndm}, {@code euler}, {@code
     * euler_a}, {@code dpmpp_2m}.
     */
    public static Kind named(String word) {
      return switch (word) {
        case "ddim" -> DDIM;
        case "pndm" -> PNDM;
        case "euler" -> EULER;
        case "euler_a" -> EULER_ANCESTRAL;
        case "dpmpp_2m" -> DPM_SOLVER;
        default ->
            throw new IllegalArgumentException(
                "\"%s\" is no sampler; expected ddim, pndm, euler, euler_a or dpmpp_2m"
                    .formatted(word));
      };
    }

    /** The sampler that a {@code scheduler_config.json} names; DDIM stands in for DDPM. */
    public static Kind of(ModelConfig config) {
      return switch (config.text("_class_name", "")) {
        case "DDIMScheduler", "DDPMScheduler" -> DDIM;
        case "PNDMScheduler" -> PNDM;
        case "EulerDiscreteScheduler" -> EULER;
        case "EulerAncestralDiscreteScheduler" -> EULER_ANCESTRAL;
        case "DPMSolverMultistepScheduler" -> DPM_SOLVER;
        default ->
            throw config.unsupported(
                "_class_name",
                "supported: DDIMScheduler, DDPMScheduler, PNDMScheduler, EulerDiscreteScheduler,"
                    + " EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler");
      };
    }
  }

  /** The noise that a sampler adds on the way. */
  @FunctionalInterface
  interface Noise {
    /** Standard normal, the same whenever it is asked. */
    float[] of(int step, int count);

    /** That of a seed. */
    static Noise seeded(long seed) {
      var stream = RandomStream.of(seed, "ancestral");
      return (step, count) -> stream.normal(step, 0, count);
    }
  }

  /**
   * A sampler as diffusers' class of that kind builds it from the configuration, which may be
   * another class's: shared keys are taken over, absent ones have the kind's default.
   *
   * @param noise for {@link Kind#EULER_ANCESTRAL}; the others add none
   * @throws flora.models.ModelException naming the key that asks for something not supported
   */
  static Sampler of(Kind kind, ModelConfig config, int steps, Noise noise) {
    if (steps < 1 || steps > config.integer("num_train_timesteps", 1000)) {
      throw new IllegalArgumentException(
          steps + " sampling steps; expected 1 to num_train_timesteps");
    }
    return switch (kind) {
      case DDIM -> new Ddim(config, steps);
      case PNDM -> new Pndm(config, steps);
      case EULER -> new Euler(config, steps);
      case EULER_ANCESTRAL -> new EulerAncestral(config, steps, noise);
      case DPM_SOLVER -> new DpmSolver(config, steps);
    };
  }

  /** How often the network is asked; PNDM asks more often than the number of steps chosen. */
  int steps();

  /** What the network is told as time at a step. */
  double timestep(int step);

  /** The standard deviation of the noise to start from. */
  double initialSigma();

  /** The factor for the network's input at a step. */
  double inputScale(int step);

  /** The next sample from the network's output and the sample (before scaling) that it was for. */
  float[] step(int step, float[] output, float[] sample);
}
