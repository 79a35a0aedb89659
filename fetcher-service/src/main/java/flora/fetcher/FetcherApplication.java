package flora.fetcher;

import flora.stage.StageConfiguration;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Import;

/** The fetch service: alone, or beside the others in one JVM. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import({StageConfiguration.class, FetcherConfiguration.class})
public class FetcherApplication {

  /** The application, ready to run; whoever embeds it adds what differs. */
  public static SpringApplicationBuilder builder() {
    return new SpringApplicationBuilder(FetcherApplication.class)
        .web(WebApplicationType.NONE)
        .properties("spring.config.name=fetcher-service");
  }

  public static void main(String[] args) {
    builder().run(args);
  }
}
