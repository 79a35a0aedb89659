package flora.gateway;

import flora.schemas.Json;
import flora.store.StoreConfiguration;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.random.RandomGenerator;
import org.springframework.boot.Banner;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import tools.jackson.databind.json.JsonMapper;

/** The gateway: the one service that speaks HTTP, and the one that knows all runs. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(GatewayProperties.class)
@Import(StoreConfiguration.class)
public class GatewayApplication {

  /** Runs the gateway alone. */
  public static void main(String[] args) {
    builder().run(args);
  }

  /** The application as every launcher starts it. */
  public static SpringApplicationBuilder builder() {
    return new SpringApplicationBuilder(GatewayApplication.class)
        .bannerMode(Banner.Mode.OFF)
        .properties("spring.config.name=gateway");
  }

  @Bean
  Clock clock() {
    return Clock.systemUTC();
  }

  @Bean
  RandomGenerator random() {
    return new SecureRandom();
  }

  /** The JSON of HTTP is the JSON of the topics. */
  @Bean
  @Primary
  JsonMapper floraJson() {
    return Json.mapper();
  }

  /** A slash that is written as %2F stays in its segment, so that it can be refused by name. */
  @Bean
  WebServerFactoryCustomizer<TomcatServletWebServerFactory> slashes() {
    return factory ->
        factory.addConnectorCustomizers(
            connector -> connector.setEncodedSolidusHandling("passthrough"));
  }
}
