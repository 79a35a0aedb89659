package flora.standalone.bench;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.aten.Segments.Keep;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraKeys.Network;
import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.singlefile.ModelFiles;
import flora.models.stablediffusion.UNet;
import flora.models.train.AdamW;
import flora.models.train.DenoisingLoss;
import flora.models.train.LoraStep;
import flora.models.train.Objective;
import flora.models.train.ParameterGroups;
import flora.models.train.ParameterGroups.Group;
import flora.schemas.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Training steps of a LoRA alone in a process, on latents and texts that are there already. Each
 * line is a number of steps, answered with one line of JSON: seconds of each, and the most memory
 * that the process has ever held, in bytes; {@value #PRODUCT} is answered with the operations a
 * second that a large product of matrices reaches.
 */
final class TrainMain {

  private static final List<String> TARGETS = List.of("to_q", "to_k", "to_v", "to_out.0");
  private static final int TOKENS = 77;
  private static final int FACTOR = 8;

  /** About as many as the network of Stable Diffusion 1 has. */
  private static final int SEGMENTS = 40;

  /** Bytes of inputs up to which computing again saves little. */
  private static final long SMALL = 1 << 20;

  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");

  /** The line that asks for {@link #fastestProduct}. */
  static final String PRODUCT = "product";

  private static final int SIDE = 2048;
  private static final int PRODUCTS = 8;

  private TrainMain() {}

  /**
   * @param args the model's folder, side of the picture, rank, {@code kept} or {@code recomputed}:
   *     whether a step keeps what it computes on the way forth, or computes most of it again and
   *     gives weights back to the system at four points
   */
  public static void main(String... args) throws Exception {
    var files = ModelFiles.open(Path.of(args[0]));
    int side = Integer.parseInt(args[1]) / FACTOR;
    int rank = Integer.parseInt(args[2]);
    boolean isRecomputed = args[3].equals("recomputed");
    try (var unet = files.unet();
        var lora =
            Lora.create(Network.UNET, unet.layers(), LoraConfig.of(rank, rank, 0, TARGETS), 0);
        var optimizer =
            new AdamW(ParameterGroups.of(Group.of(lora, 1e-4)), AdamW.Settings.DEFAULT);
        var step = new LoraStep(optimizer, 1)) {
      var schedule = NoiseSchedule.of(files.scheduler());
      var loss = new DenoisingLoss(unet, schedule, Objective.of(schedule, null));
      Runnable drops = unet.pages().map(pages -> pages.every(SEGMENTS / 2)).orElse(() -> {});
      System.out.println("ready");
      long done = 0;
      var lines = Child.lines();
      for (String line; (line = lines.readLine()) != null; ) {
        if (line.equals(PRODUCT)) {
          System.out.println(fastestProduct());
          continue;
        }
        var seconds = new ArrayList<Double>();
        for (int left = Integer.parseInt(line); left > 0; left--) {
          long start = System.nanoTime();
          try (var _ = new Scope();
              var segments =
                  isRecomputed ? new Segments(Keep.FIT, SMALL, drops) : Segments.keepingAll()) {
            var batch = batch(unet, schedule, side, done++);
            step.accumulate(segments, loss.of(segments, batch), 1);
          }
          step.update(1);
          seconds.add((System.nanoTime() - start) / 1e9);
        }
        System.out.println(
            Json.mapper().writeValueAsString(Map.of("seconds", seconds, "peak", peak())));
      }
    }
  }

  /** Operations a second of a product of matrices, by the faster of the engine's ways. */
  private static double fastestProduct() {
    double best = Double.MAX_VALUE;
    try (var _ = new Scope()) {
      var x = normal("x", 0, SIDE, SIDE);
      var packed = Aten.packLinear(normal("w", 0, SIDE, SIDE));
      for (int i = 0; i < PRODUCTS; i++) {
        long start = System.nanoTime();
        Aten.packedLinear(x, packed, "none", null).close();
        best = Math.min(best, (System.nanoTime() - start) / 1e9);
      }
    }
    return 2.0 * SIDE * SIDE * SIDE / best;
  }

  private static DenoisingLoss.Batch batch(
      UNet unet, NoiseSchedule schedule, int side, long number) {
    int channels = unet.config().inChannels();
    int width = unet.config().contextSizes().getFirst();
    var latents = normal("latents", number % 4, 1, channels, side, side);
    var noise = normal("noise", number, 1, channels, side, side);
    var context = normal("context", number % 4, 1, TOKENS, width);
    int time = RandomStream.of(0, "timesteps").below(schedule.steps(), number, 0);
    return new DenoisingLoss.Batch(latents, noise, List.of(time), context);
  }

  private static NDArray normal(String what, long number, long... shape) {
    long count = 1;
    for (long each : shape) {
      count *= each;
    }
    var values = RandomStream.of(0, what).normal(number, 0, Math.toIntExact(count));
    return Aten.of(values, shape);
  }

  private static long peak() throws Exception {
    var status = PEAK.matcher(Files.readString(Path.of("/proc/self/status")));
    return status.find() ? Long.parseLong(status.group(1)) << 10 : 0;
  }
}
