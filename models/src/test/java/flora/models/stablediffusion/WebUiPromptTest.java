package flora.models.stablediffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.stablediffusion.WebUiPrompt.Wanted;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebUiPromptTest {

  @ParameterizedTest
  @CsvSource({
    "<lora:style:0.8>, 0.8, 0.8",
    "<lora:style>, 1, 1",
    "<lora:style:0.5:0.8>, 0.8, 0.5",
    "<lora:style:te=0.5:unet=0.8>, 0.8, 0.5",
    "<lora:style:0.5:unet=0>, 0, 0.5",
    "<lora:style:-1>, -1, -1",
    "<lora: style : 0.8 >, 0.8, 0.8",
  })
  void readsHowStronglyAnAdapterActs(String tag, double unet, double textEncoder) {
    var prompt = WebUiPrompt.parse("a cat " + tag + ", on grass");

    assertThat(prompt.text()).isEqualTo("a cat , on grass");
    assertThat(prompt.adapters()).containsExactly(new Wanted("style", unet, textEncoder));
  }

  @Test
  void readsSeveralInTheirOrder() {
    var prompt = WebUiPrompt.parse("<lora:b:0.5>a < b, <lora:a>");

    assertThat(prompt.text()).isEqualTo("a < b,");
    assertThat(prompt.adapters()).containsExactly(new Wanted("b", 0.5, 0.5), new Wanted("a", 1, 1));
  }

  @Test
  void leavesAPromptWithoutNamesAsItIs() {
    assertThat(WebUiPrompt.parse("a (red:1.2) cat"))
        .isEqualTo(new WebUiPrompt("a (red:1.2) cat", List.of()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<lora::1>",
        "<lora:a:strong>",
        "<lora:a:1:1:1>",
        "<lora:a:NaN>",
        "<hypernet:a:1>"
      })
  void saysWhatItCannotRead(String tag) {
    assertThatThrownBy(() -> WebUiPrompt.parse("x " + tag))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(tag);
  }
}
