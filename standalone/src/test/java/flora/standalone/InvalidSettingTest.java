package flora.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.gateway.GatewayProperties;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.BeanCreationException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class InvalidSettingTest {

  @Test
  void isTheSentenceAmongWhatSpringSaysOfIt() {
    var sentence =
        new IllegalArgumentException(
            "gateway.bundle.trusted-keys: expected a public key",
            new IllegalArgumentException("Input byte[] should at least have 2 bytes"));
    var failure = new BeanCreationException("outer", new BeanCreationException("inner", sentence));

    assertThat(InvalidSetting.in(failure))
        .get()
        .extracting(Throwable::getMessage)
        .isEqualTo("gateway.bundle.trusted-keys: expected a public key");
  }

  @Test
  void namesTheSettingThatCannotBeRead() {
    var source = new MapConfigurationPropertySource(Map.of("gateway.clean.min-age", "soon"));

    var failure =
        catchThrowableOfType(
            RuntimeException.class,
            () -> new Binder(source).bind("gateway", GatewayProperties.class));

    assertThat(InvalidSetting.in(failure))
        .get()
        .extracting(Throwable::getMessage)
        .asString()
        .startsWith("gateway.clean.min-age: ")
        .contains("soon")
        .doesNotContain("Exception");
  }

  @Test
  void isNotSeenInOtherFailures() {
    var failure = new BeanCreationException("outer", new IllegalStateException("no broker"));

    assertThat(InvalidSetting.in(failure)).isEmpty();
  }
}
