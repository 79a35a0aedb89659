package flora.labeler;

import flora.stage.StageConfiguration;
import flora.stage.StageFlow;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.store.StoreProperties;
import java.time.Clock;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The labeler: makes the dataset version, with its captions, of each run that needs one. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableConfigurationProperties(LabelerProperties.class)
@Import(StageConfiguration.class)
public class LabelerApplication {

  /** The application, to be run alone or beside others in one JVM. */
  public static SpringApplicationBuilder builder() {
    return new SpringApplicationBuilder(LabelerApplication.class)
        .properties("spring.config.name=labeler-service")
        .web(WebApplicationType.NONE);
  }

  /** Runs the labeler alone. */
  public static void main(String[] args) {
    builder().run(args);
  }

  @Bean
  StageFlow labelerFlow(
      ObjectStore store, LocalCache cache, StoreProperties storage, LabelerProperties properties) {
    // beside the cache, not in it: the cache counts what it finds
    var work = storage.cacheFolder().toAbsolutePath().resolveSibling("labeler");
    var clock = Clock.systemUTC();
    return new LabelerFlow(
        store,
        new Labelling(store, new LabelModels(store, cache, work)::open, properties, clock),
        work,
        clock);
  }
}
