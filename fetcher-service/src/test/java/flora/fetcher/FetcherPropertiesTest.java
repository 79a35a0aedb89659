package flora.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class FetcherPropertiesTest {

  private static FetcherProperties bind(Map<String, ?> properties) {
    return new Binder(new MapConfigurationPropertySource(properties))
        .bindOrCreate("fetcher", FetcherProperties.class);
  }

  @Test
  void hasDefaultsAndTakesEveryProperty() {
    assertThat(bind(Map.of()).parallelFiles()).isEqualTo(4);
    assertThat(bind(Map.of("fetcher.parallel-files", "7")).parallelFiles()).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource({"parallel-files, 0, parallel-files", "parallel-files, 65, parallel-files"})
  void namesTheValueThatIsWrong(String property, String value, String named) {
    assertThatThrownBy(() -> bind(Map.of("fetcher." + property, value)))
        .hasStackTraceContaining(named);
  }
}
