package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Names;
import flora.standalone.client.InvalidInput;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafeNameTest {

  @ParameterizedTest
  @CsvSource({
    "style_train,style_train",
    "My Pictures (2),my-pictures-2-",
    "fetch-runwayml/stable-diffusion-v1-5@main,fetch-runwayml-stable-diffusion-v1-5-main",
    "..hidden..,hidden.",
    "-dash,dash"
  })
  void makesANameThatTheServerTakes(String given, String name) {
    assertThat(SafeName.of(given)).isEqualTo(name);
    assertThat(Names.isSafe(SafeName.of(given))).isTrue();
  }

  @Test
  void keepsALongNameWithinTheLimit() {
    assertThat(SafeName.of("x".repeat(500))).hasSize(96);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "...", "图片"})
  void refusesWhatLeavesNothing(String given) {
    assertThatThrownBy(() -> SafeName.of(given)).isInstanceOf(InvalidInput.class);
  }
}
