package flora.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.FileMissing;
import flora.models.ModelException.Unsupported;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {

  private static ModelConfig config(String json) {
    return ModelConfig.of(Path.of("unet/config.json"), json.replace('\'', '"'));
  }

  @Test
  void readsValuesOfEveryKind() {
    var config = config("{'a':3,'b':1e-5,'c':'x','d':true,'e':[1,2],'f':{'g':['y']},'h':[0.5,1]}");

    assertThat(config.integer("a")).isEqualTo(3);
    assertThat(config.decimal("b", 1)).isEqualTo(1e-5);
    assertThat(config.text("c")).contains("x");
    assertThat(config.flag("d", false)).isTrue();
    assertThat(config.integers("e")).containsExactly(1, 2);
    assertThat(config.object("f").texts("g")).containsExactly("y");
    assertThat(config.decimals("h")).containsExactly(0.5, 1.0);
    assertThat(config.isList("e")).isTrue();
  }

  @Test
  void anAbsentKeyAndNullAreTheDefault() {
    var config = config("{'a':null}");

    assertThat(config.integer("a", 7)).isEqualTo(7);
    assertThat(config.integer("b", 7)).isEqualTo(7);
    assertThat(config.has("a")).isFalse();
    assertThat(config.text("a", "z")).isEqualTo("z");
    assertThat(config.object("a").integer("x", 1)).isEqualTo(1);
    assertThat(config.only("a", "x").only("b")).isSameAs(config);
  }

  @Test
  void namesFileKeyAndValueOfWhatItRefuses() {
    assertThatThrownBy(
            () -> config("{'act':{'fn':'mish'}}").object("act").only("fn", "silu", "gelu"))
        .isInstanceOf(Unsupported.class)
        .hasMessage(
            "unet/config.json: act.fn = \"mish\" is not supported; supported: [silu, gelu]");
  }

  @Test
  void comparesNumbersByValueAndListsByElements() {
    var config = config("{'n':1.0,'l':[0.5,'a'],'f':false}");

    assertThat(config.only("n", 1).only("l", List.of(0.5, "a")).only("f", false)).isSameAs(config);
    assertThatThrownBy(() -> config.only("l", List.of(0.5))).isInstanceOf(Unsupported.class);
    assertThatThrownBy(() -> config.absent("f")).isInstanceOf(Unsupported.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{'a':'3'}", "{'a':3.5}", "{'a':99999999999}", "{}", "{'a':null}"})
  void saysWhichNumberIsMissingOrWrong(String json) {
    assertThatThrownBy(() -> config(json).integer("a"))
        .isInstanceOf(ConfigInvalid.class)
        .hasMessageStartingWith("unet/config.json: a ")
        .hasMessageContaining("expected a whole number");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "{", "3", ""})
  void refusesWhatIsNotAnObject(String json) {
    assertThatThrownBy(() -> config(json)).isInstanceOf(ConfigInvalid.class);
  }

  @Test
  void namesTheMissingFile() {
    assertThatThrownBy(() -> ModelConfig.read(Path.of("none/config.json")))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("none/config.json");
  }
}
