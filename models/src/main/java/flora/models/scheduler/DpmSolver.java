package flora.models.scheduler;

import flora.models.ModelConfig;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;

/**
 * DPM-Solver++ multistep of order 1 to 3 (<a href="https://arxiv.org/abs/2211.01095">Lu et al.
 * 2022</a>), equal to diffusers' DPMSolverMultistepScheduler.
 */
final class DpmSolver implements Sampler {

  private final double[] timesteps;
  private final double[] sigmas;
  private final Prediction prediction;
  private final int order;
  private final boolean heun;
  private final boolean lowerOrderFinal;
  private final boolean firstOrderAtEnd;

  /** The last predictions of the clean sample, the newest first. */
  private final Deque<float[]> predictions = new ArrayDeque<>();

  DpmSolver(ModelConfig config, int steps) {
    config
        .only("thresholding", false)
        .only("use_lu_lambdas", false)
        .only("use_flow_sigmas", false)
        .only("use_dynamic_shifting", false)
        // the peer turns deis and the names behind midpoint into the first of each line
        .only("algorithm_type", "dpmsolver++", "deis")
        .only("solver_type", "midpoint", "logrho", "bh1", "bh2", "heun")
        .only("solver_order", 1, 2, 3);
    NoiseSchedule.refuseLearnedVariance(config);
    prediction = Prediction.of(config);
    order = config.integer("solver_order", 2);
    heun = config.text("solver_type", "midpoint").equals("heun");
    lowerOrderFinal = config.flag("lower_order_final", true) && steps < 15;
    firstOrderAtEnd =
        lowerOrderFinal
            || config.flag("euler_at_final", false)
            || config.text("final_sigmas_type", "zero").equals("zero");

    var levels = new Sigmas(config);
    int total = levels.total();
    int end = total - clipped(levels, config.decimal("lambda_min_clipped", -1e300));
    double[] visited =
        switch (Spacing.of(config, Spacing.LINSPACE)) {
          case LEADING ->
              Spacing.leading(end / (steps + 1), steps + 1, config.integer("steps_offset", 0));
          case LINSPACE -> Spacing.rounded(Spacing.descending(end - 1, steps + 1));
          case TRAILING -> Spacing.trailing(end, total, steps);
        };
    if (visited.length > steps) {
      visited = Arrays.copyOf(visited, steps);
    }
    double[] run;
    boolean karras = config.flag("use_karras_sigmas", false);
    if (karras || config.flag("use_exponential_sigmas", false)) {
      double max = config.decimal("sigma_max", levels.at(total - 1));
      double min = config.decimal("sigma_min", levels.at(0));
      run = karras ? Sigmas.karras(max, min, steps) : Sigmas.exponential(max, min, steps);
      visited = levels.timesteps(run);
      boolean cosine = config.text("beta_schedule", "linear").equals("squaredcos_cap_v2");
      visited = karras && !cosine ? Spacing.rounded(visited) : visited;
    } else {
      run = levels.interpolated(visited);
    }
    timesteps = visited;
    sigmas = levels.withLast(run);
  }

  /** How many training timesteps have a log signal-to-noise ratio below the limit. */
  private static int clipped(Sigmas levels, double lambdaMin) {
    int below = 0;
    while (below < levels.total() - 1
        && -Math.log(levels.at(levels.total() - 1 - below)) < lambdaMin) {
      below++;
    }
    return below;
  }

  @Override
  public int steps() {
    return timesteps.length;
  }

  @Override
  public double timestep(int step) {
    return (long) timesteps[step];
  }

  @Override
  public double initialSigma() {
    return 1;
  }

  @Override
  public double inputScale(int step) {
    return 1;
  }

  @Override
  public float[] step(int step, float[] output, float[] sample) {
    int known = Math.min(predictions.size(), order);
    predictions.addFirst(clean(step, output, sample));
    if (predictions.size() > 3) {
      predictions.removeLast();
    }
    int last = timesteps.length - 1;
    if (order == 1 || known < 1 || (step == last && firstOrderAtEnd)) {
      return first(step, sample);
    }
    if (order == 2 || known < 2 || (step == last - 1 && lowerOrderFinal)) {
      return second(step, sample);
    }
    return third(step, sample);
  }

  private float[] clean(int step, float[] output, float[] sample) {
    double signal = signal(step);
    double noise = noise(step);
    float[] clean = new float[sample.length];
    for (int i = 0; i < clean.length; i++) {
      clean[i] =
          switch (prediction) {
            case EPSILON -> (float) ((sample[i] - noise * output[i]) / signal);
            case SAMPLE -> output[i];
            case VELOCITY -> (float) (signal * sample[i] - noise * output[i]);
          };
    }
    return clean;
  }

  private float[] first(int step, float[] sample) {
    double decay = -signal(step + 1) * Math.expm1(-interval(step));
    float[] newest = predictions.getFirst();
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) (keep(step) * sample[i] + decay * newest[i]);
    }
    return result;
  }

  private float[] second(int step, float[] sample) {
    double h = interval(step);
    double signal = signal(step + 1);
    double decay = -signal * Math.expm1(-h);
    double slope = heun ? signal * (Math.expm1(-h) / h + 1) : 0.5 * decay;
    double ratio = interval(step - 1) / h;
    Iterator<float[]> past = predictions.iterator();
    float[] m0 = past.next();
    float[] m1 = past.next();
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      double d1 = (m0[i] - m1[i]) / ratio;
      result[i] = (float) (keep(step) * sample[i] + decay * m0[i] + slope * d1);
    }
    return result;
  }

  private float[] third(int step, float[] sample) {
    double h = interval(step);
    double signal = signal(step + 1);
    double decay = Math.expm1(-h);
    double r0 = interval(step - 1) / h;
    double r1 = interval(step - 2) / h;
    Iterator<float[]> past = predictions.iterator();
    float[] m0 = past.next();
    float[] m1 = past.next();
    float[] m2 = past.next();
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      double near = (m0[i] - m1[i]) / r0;
      double far = (m1[i] - m2[i]) / r1;
      double d1 = near + r0 / (r0 + r1) * (near - far);
      double d2 = (near - far) / (r0 + r1);
      result[i] =
          (float)
              (keep(step) * sample[i]
                  - signal * decay * m0[i]
                  + signal * (decay / h + 1) * d1
                  - signal * ((decay + h) / (h * h) - 0.5) * d2);
    }
    return result;
  }

  /** α = 1 / √(σ² + 1) after so many steps. */
  private double signal(int at) {
    return 1 / Math.sqrt(sigmas[at] * sigmas[at] + 1);
  }

  private double noise(int at) {
    return sigmas[at] * signal(at);
  }

  /** The share of the sample that a step keeps. */
  private double keep(int step) {
    return noise(step + 1) / noise(step);
  }

  /** The step in λ = log(α/σ) = −log σ; infinite for the step to zero noise. */
  private double interval(int step) {
    return Math.log(sigmas[step]) - Math.log(sigmas[step + 1]);
  }
}
