package flora.labeler;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.caption.Prepared;
import flora.models.image.RgbImage;
import flora.models.weights.Int8Units;
import flora.store.ObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;

/** The service in a process of its own that can be killed, with a model that only takes time. */
final class LabelerProcess implements AutoCloseable {

  @Configuration(proxyBeanMethods = false)
  static class Main {

    public static void main(String[] args) {
      LabelerApplication.builder().sources(Main.class).run(args);
      System.out.println("takes work");
    }

    @Bean
    @Primary
    Labelling slowModel(ObjectStore store, LabelerProperties properties) {
      return new Labelling(
          store,
          (options, head, beat) -> new Slow(LabelModels.recipe(options, head)),
          properties,
          Clock.systemUTC(),
          Int8Units.UNKNOWN);
    }
  }

  private record Slow(LabelRecipe recipe) implements Captioner {
    @Override
    public Prepared prepare(RgbImage picture) {
      return new Prepared(null, null);
    }

    @Override
    public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
      try {
        Thread.sleep(15L * pictures.size());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return pictures.stream()
          .map(_ -> new Caption("a picture", null, List.of(), null, 0))
          .toList();
    }

    @Override
    public void close() {}
  }

  final String name;
  private final Process process;

  private LabelerProcess(String name, Process process) {
    this.name = name;
    this.process = process;
  }

  static LabelerProcess start(String name, Path folder, List<String> settings) throws Exception {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.add("--stage.worker=" + name);
    command.addAll(List.of("--stage.lock=2s", "--stage.lease=3s", "--labeler.shard-claim=3s"));
    command.add("--store.cache-folder=" + folder.resolve(name).resolve("cache"));
    command.add("--spring.main.log-startup-info=false");
    command.addAll(settings);
    return new LabelerProcess(
        name,
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(name + ".log").toFile())
            .start());
  }

  boolean isAlive() {
    return process.isAlive();
  }

  void kill() throws Exception {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() throws Exception {
    kill();
  }
}
