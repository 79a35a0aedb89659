package flora.trainer.export;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.lora.Lora;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraKeys.Network;
import flora.models.random.RandomStream;
import flora.models.singlefile.ModelFiles;
import flora.models.stablediffusion.UNet;
import flora.models.weights.AdaptableLayer;
import flora.trainer.export.Adapter.Part;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Opens the base model again and runs it once for each adapter: small latents, a text of fixed
 * tokens. Closing it closes the networks.
 */
public final class NetworkProbe implements Probe, AutoCloseable {
  private static final int SIDE = 8;
  private static final int TOKENS = 16;

  private final Adapter trained;
  private final Map<Network, Subject> subjects = new EnumMap<>(Network.class);

  /** A network that can be run, with what it says without an adapter and with the trained one. */
  private static final class Subject {
    final Map<String, AdaptableLayer> layers;
    final Supplier<float[]> run;
    final Runnable close;
    final float[] before;
    final float[] after;

    Subject(Part part, Map<String, AdaptableLayer> layers, Supplier<float[]> run, Runnable close) {
      this.layers = layers;
      this.run = run;
      this.close = close;
      before = run.get();
      try (var _ = Lora.of(part.network(), layers, part.exactConfig(), part.state())) {
        after = run.get();
      } catch (RuntimeException e) {
        close.run();
        throw e;
      }
    }
  }

  private NetworkProbe(Adapter trained) {
    this.trained = trained;
  }

  /** Opens the networks that an adapter is for. */
  public static NetworkProbe open(ModelFiles model, Adapter trained) {
    var probe = new NetworkProbe(trained);
    try {
      for (var part : trained.parts()) {
        probe.subjects.put(part.network(), subject(model, part));
      }
      return probe;
    } catch (RuntimeException e) {
      probe.close();
      throw e;
    }
  }

  private static Subject subject(ModelFiles model, Part part) {
    return switch (part.network()) {
      case UNET -> {
        var unet = model.unet();
        yield new Subject(part, unet.layers(), () -> run(unet), unet::close);
      }
      case TEXT_ENCODER -> {
        var encoder = model.textEncoder();
        yield new Subject(part, encoder.layers(), () -> run(encoder), encoder::close);
      }
    };
  }

  @Override
  public Deviation deviation(Path file) {
    double error = 0;
    double effect = 0;
    double output = 0;
    for (var network : networks(file)) {
      var subject = subjects.get(network);
      if (subject == null) {
        throw new ExportException.NotEqual(file.getFileName().toString(), network.word());
      }
      var read = LoraFile.read(file, network, subject.layers.keySet());
      float[] now;
      try (var _ = Lora.of(network, subject.layers, read.config(), read.state())) {
        now = subject.run.get();
      }
      error = Math.hypot(error, distance(now, subject.after));
      effect = Math.hypot(effect, distance(subject.after, subject.before));
      output = Math.hypot(output, distance(subject.after, new float[now.length]));
    }
    return new Deviation(error, effect, output);
  }

  /** Of a file for several networks all must be there. */
  private Set<Network> networks(Path file) {
    var networks = LoraFile.networks(file);
    boolean ofOne = file.endsWith(PeftFolder.MODEL);
    if (!ofOne && networks.size() != trained.parts().size()) {
      throw new ExportException.NotEqual(file.getFileName().toString(), "a whole network");
    }
    return networks;
  }

  private static float[] run(UNet unet) {
    try (var _ = new Scope()) {
      var config = unet.config();
      int width = config.contextSizes().getFirst();
      var stream = RandomStream.of(0, "probe");
      int elements = config.inChannels() * SIDE * SIDE;
      NDArray latents = Aten.of(stream.normal(0, 0, elements), 1, config.inChannels(), SIDE, SIDE);
      NDArray context = Aten.of(stream.normal(1, 0, TOKENS * width), 1, TOKENS, width);
      return unet.forward(latents, new float[] {500}, context).toFloatArray();
    }
  }

  private static float[] run(ClipTextEncoder encoder) {
    try (var _ = new Scope()) {
      int vocabulary = encoder.config().vocabulary();
      var ids = new long[TOKENS];
      for (int i = 0; i < TOKENS; i++) {
        ids[i] = 1 + 13L * i * i % (vocabulary - 2);
      }
      ids[TOKENS - 1] = vocabulary - 1L;
      return encoder.forward(Aten.of(ids, 1, TOKENS)).toFloatArray();
    }
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = (double) a[i] - b[i];
      sum += difference * difference;
    }
    return Math.sqrt(sum);
  }

  @Override
  public void close() {
    subjects.values().forEach(subject -> subject.close.run());
    subjects.clear();
  }
}
