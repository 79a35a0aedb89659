package flora.standalone.parity;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Sampler;
import flora.models.stablediffusion.Posterior;
import flora.models.stablediffusion.TextToImage;
import flora.models.stablediffusion.TextToImage.Drawing;
import flora.models.stablediffusion.UNet;
import flora.models.stablediffusion.Vae;
import flora.models.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A Stable Diffusion model part by part, then whole drawings. */
final class StableDiffusionSets implements GoldenKind {
  private static final int TOKENS = 77;

  private static final Set<String> INPUTS =
      Set.of("pixels", "latents_in", "sample", "timestep", "context", "x0", "noise", "timesteps");

  private static final Map<String, Sampler.Kind> SAMPLERS =
      Map.of(
          "ddim", Sampler.Kind.DDIM,
          "pndm", Sampler.Kind.PNDM,
          "euler", Sampler.Kind.EULER,
          "dpmpp", Sampler.Kind.DPM_SOLVER);

  @Override
  public boolean handles(GoldenSet set) {
    return set.name().equals("tiny-sd");
  }

  @Override
  public void check(GoldenSet set, Comparison out) {
    out.inputs(StableDiffusionSets::isInput);
    text(set, out);
    autoencoder(set, set.model().resolve("vae"), "vae", out);
    autoencoder(set, set.model().resolve("vae"), "vae_wide", out);
    autoencoder(set, set.root().resolve("models/tiny-vae"), "tiny_vae", out);
    unet(set, out);
    schedule(set, out);
    drawings(set, out);
  }

  /** Given, or an activation inside a block whose own output is compared. */
  private static boolean isInput(String tensor) {
    return INPUTS.contains(tensor.substring(tensor.indexOf('.') + 1))
        || tensor.equals("sample.latents")
        || tensor.startsWith("unet.act.down_blocks.0.");
  }

  private static void text(GoldenSet set, Comparison out) {
    var tokenizer = ClipTokenizer.load(set.model().resolve("tokenizer"));
    List<String> prompts = set.hyper().texts("prompts");
    var ids = new long[prompts.size() * TOKENS];
    for (int i = 0; i < prompts.size(); i++) {
      System.arraycopy(tokenizer.encode(prompts.get(i), TOKENS).ids(), 0, ids, i * TOKENS, TOKENS);
    }
    out.tensor("te.input_ids", ids);
    int count = Math.toIntExact(set.shape("te.last_hidden_state")[0]);
    try (var _ = new Scope();
        var encoder = ClipTextEncoder.open(set.model().resolve("text_encoder"))) {
      NDArray some = Aten.of(Arrays.copyOf(ids, count * TOKENS), count, TOKENS);
      NDArray states = encoder.forward(some);
      out.tensor("te.last_hidden_state", states.toFloatArray());
      out.tensor("te.pooler_output", encoder.pooled(states, some).toFloatArray());
      out.tensor("te.clip_skip_1", encoder.forward(some, null, 1).toFloatArray());
      List<NDArray> hidden = encoder.hiddenStates(some);
      for (int i = 0; i < hidden.size(); i++) {
        out.tensor("te.hidden_states." + i, hidden.get(i).toFloatArray());
      }
    }
  }

  private static void autoencoder(GoldenSet set, Path folder, String prefix, Comparison out) {
    try (var _ = new Scope();
        var vae = Vae.open(folder)) {
      Posterior posterior = vae.encode(array(set, prefix + ".pixels"));
      out.tensor(prefix + ".mean", posterior.mean().toFloatArray());
      out.tensor(prefix + ".logvar", posterior.logVariance().toFloatArray());
      NDArray pixels = vae.decode(array(set, prefix + ".latents_in"));
      out.tensor(prefix + ".decoded", pixels.toFloatArray());
    }
  }

  private static void unet(GoldenSet set, Comparison out) {
    try (var _ = new Scope();
        var unet = UNet.open(set.model().resolve("unet"))) {
      NDArray context = array(set, "unet.context");
      long[] times = set.longs("unet.timestep");
      var steps = new float[times.length];
      for (int i = 0; i < steps.length; i++) {
        steps[i] = times[i];
      }
      NDArray y =
          unet.forward(
              array(set, "unet.sample"),
              steps,
              context,
              (block, x) -> {
                String tensor = block.equals("time_proj") ? "unet." : "unet.act.";
                out.tensor(tensor + block, x.toFloatArray());
              });
      out.tensor("unet.out", y.toFloatArray());
      NDArray first = Aten.narrow(context, 0, 0, 1);
      for (String size : List.of("unet_wide", "unet_odd")) {
        NDArray sample = array(set, size + ".sample");
        out.tensor(size + ".out", unet.forward(sample, new float[] {500}, first).toFloatArray());
      }
    }
  }

  private static void schedule(GoldenSet set, Comparison out) {
    var schedule = NoiseSchedule.read(schedulerConfig(set));
    out.tensor("sched.betas", schedule.betas());
    out.tensor("sched.alphas_cumprod", schedule.alphasCumprod());
    long[] times = set.longs("sched.timesteps");
    float[] clean = set.floats("sched.x0");
    float[] noise = set.floats("sched.noise");
    int size = clean.length / times.length;
    var noisy = new float[clean.length];
    var velocity = new float[clean.length];
    for (int i = 0; i < times.length; i++) {
      float[] x = Arrays.copyOfRange(clean, i * size, (i + 1) * size);
      float[] e = Arrays.copyOfRange(noise, i * size, (i + 1) * size);
      int t = (int) times[i];
      System.arraycopy(schedule.addNoise(x, e, t), 0, noisy, i * size, size);
      System.arraycopy(schedule.velocity(x, e, t), 0, velocity, i * size, size);
    }
    out.tensor("sched.noisy", noisy);
    out.tensor("sched.velocity", velocity);
    var snr = new float[schedule.steps()];
    for (int t = 0; t < snr.length; t++) {
      snr[t] = schedule.snr(t);
    }
    out.tensor("sched.snr", snr);
  }

  private static void drawings(GoldenSet set, Comparison out) {
    int steps = set.hyper().integer("steps");
    double guidance = set.hyper().decimal("guidance_scale");
    String prompt = set.hyper().texts("prompts").getFirst();
    ModelConfig config = ModelConfig.read(schedulerConfig(set));
    long[] latents = set.shape("sample.latents");
    try (var model = TextToImage.open(set.model())) {
      try (var _ = new Scope()) {
        out.tensor("sample.cond", model.embed(List.of(prompt)).toFloatArray());
        out.tensor("sample.uncond", model.embed(List.of("")).toFloatArray());
      }
      SAMPLERS.forEach(
          (name, kind) -> {
            Sampler sampler = Sampler.of(kind, config, steps, Sampler.Noise.seeded(0));
            var times = new double[sampler.steps()];
            for (int i = 0; i < times.length; i++) {
              times[i] = sampler.timestep(i);
            }
            out.tensor("sample." + name + ".timesteps", times);
            int factor = 8;
            var drawing =
                new Drawing(
                    prompt,
                    "",
                    guidance,
                    steps,
                    Math.toIntExact(factor * latents[3]),
                    Math.toIntExact(factor * latents[2]),
                    kind);
            try (var _ = new Scope()) {
              NDArray end =
                  model.denoise(
                      drawing,
                      set.floats("sample.latents"),
                      (step, x) -> {
                        String tensor = "sample." + name + ".step" + step;
                        if (set.has(tensor)) {
                          out.tensor(tensor, x);
                        }
                      });
              out.tensor("sample." + name + ".final", end.toFloatArray());
              out.tensor("sample." + name + ".image", model.pixels(end).toFloatArray());
            }
          });
    }
  }

  private static Path schedulerConfig(GoldenSet set) {
    return set.model().resolve("scheduler").resolve("scheduler_config.json");
  }

  private static NDArray array(GoldenSet set, String tensor) {
    return Aten.of(set.floats(tensor), set.shape(tensor));
  }
}
