package flora.trainer;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import flora.models.aten.Aten;
import flora.stage.StageConfiguration;
import flora.stage.StageFlow;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import java.nio.file.Path;
import java.time.Clock;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/**
 * The trainer: takes labelled runs and leaves adapters. Configured by {@code trainer-service.yml}.
 */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableConfigurationProperties(TrainerProperties.class)
@Import(StageConfiguration.class)
public class TrainerApplication {

  /** Starts the trainer alone. */
  public static void main(String[] arguments) {
    builder().run(arguments);
  }

  /** The trainer, for whoever starts it among others in one process. */
  public static SpringApplicationBuilder builder() {
    return new SpringApplicationBuilder(TrainerApplication.class)
        .properties("spring.config.name=trainer-service")
        .web(WebApplicationType.NONE);
  }

  @Bean
  StageFlow trainerFlow(ObjectStore store, LocalCache cache, TrainerProperties properties) {
    return new TrainerFlow(store, cache, properties, thisMachine(), Clock.systemUTC());
  }

  /** What the engine computes with. */
  static ComputeFingerprint thisMachine() {
    Aten.manager();
    var engine = Engine.getEngine("PyTorch");
    return ComputeFingerprint.of(
        "pytorch " + engine.getVersion(),
        System.getProperty("os.arch"),
        Path.of("/proc/cpuinfo"),
        JniUtils.getNumThreads(),
        engine.defaultDevice().getDeviceType());
  }
}
