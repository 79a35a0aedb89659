package flora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class StorePropertiesTest {

  @Test
  void hasDefaults() {
    var properties = bind(Map.of());

    assertThat(properties.endpoint()).isEqualTo(URI.create("http://127.0.0.1:9000"));
    assertThat(properties.accessKey()).isEqualTo("flora");
    assertThat(properties.secretKey()).isEqualTo(new Secret("flora-secret"));
    assertThat(properties.region()).isEqualTo("us-east-1");
    assertThat(properties.cacheFolder()).isEqualTo(Path.of(".flora/cache"));
    assertThat(properties.cacheSize()).isEqualTo(DataSize.ofGigabytes(50));
    assertThat(properties.localFolder()).isNull();
  }

  @Test
  void takesWhatIsSetAndHidesTheSecret() {
    var properties =
        bind(
            Map.of(
                "store.endpoint", "https://s3.example:9001",
                "store.access-key", "me",
                "store.secret-key", "hunter2",
                "store.region", "eu-west-1",
                "store.cache-folder", "/var/cache/flora",
                "store.cache-size", "2GB",
                "store.local-folder", "/data/objects"));

    assertThat(properties)
        .isEqualTo(
            new StoreProperties(
                URI.create("https://s3.example:9001"),
                "me",
                new Secret("hunter2"),
                "eu-west-1",
                Path.of("/var/cache/flora"),
                DataSize.ofGigabytes(2),
                Path.of("/data/objects")));
    assertThat(properties.toString()).doesNotContain("hunter2");
  }

  @Test
  void rejectsAnAddressThatIsNotHttp() {
    assertThatThrownBy(() -> bind(Map.of("store.endpoint", "s3://bucket")))
        .isInstanceOf(BindException.class)
        .rootCause()
        .hasMessageContaining("store.endpoint must be an http or https address");
  }

  private static StoreProperties bind(Map<String, String> values) {
    return new Binder(new MapConfigurationPropertySource(values))
        .bindOrCreate("store", StoreProperties.class);
  }
}
