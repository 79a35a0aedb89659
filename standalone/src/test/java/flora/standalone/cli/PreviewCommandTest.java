package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flora preview} as somebody types it, with the smallest of models. */
class PreviewCommandTest {

  private static final Path PARITY = Path.of("../models/src/test/resources/parity");
  private static final Path MODEL = PARITY.resolve("models/tiny-sd");
  private static final Path ADAPTER = PARITY.resolve("golden/sd-lora-te/kohya/lora.safetensors");

  @TempDir Path folder;

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int flora(Path model, int width, String... more) {
    var words = new ArrayList<>(List.of("preview", "--model", model.toString()));
    words.addAll(List.of("--width", "" + width, "--height", "64", "--steps", "2"));
    words.addAll(List.of(more));
    var line = Main.commandLine();
    line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
    return line.execute(words.toArray(String[]::new));
  }

  private int flora(String... more) {
    return flora(MODEL, 32, more);
  }

  private byte[] drawn(String prompt, String... more) throws IOException {
    var output = folder.resolve("new").resolve("picture.png");
    var words = new ArrayList<>(List.of("--prompt", prompt, "--output", output.toString()));
    words.addAll(List.of(more));
    assertThat(flora(words.toArray(String[]::new))).isZero();
    return Files.readAllBytes(output);
  }

  @Test
  void drawsWithTheAdapterThatThePromptNames() throws IOException {
    var adapter = ADAPTER.toString();

    var without = drawn("a cat");
    var with = drawn("a cat <lora:lora:0.8>", "--adapter", adapter);

    assertThat(ImageIO.read(folder.resolve("new/picture.png").toFile()))
        .satisfies(
            picture -> {
              assertThat(picture.getWidth()).isEqualTo(32);
              assertThat(picture.getHeight()).isEqualTo(64);
            });
    assertThat(with).isNotEqualTo(without);
    assertThat(drawn("a cat <lora:lora:0>", "--adapter", adapter)).isEqualTo(without);
    assertThat(drawn("a cat <lora:lora:0.8>", "--adapter", adapter)).isEqualTo(with);
    assertThat(drawn("a cat <lora:lora:0:0.8>", "--adapter", adapter))
        .isNotEqualTo(without)
        .isNotEqualTo(with);
    assertThat(drawn("a cat", "--sampler", "euler_a")).isNotEqualTo(without);
    // a folder of them, as WebUIs have it
    var models = folder.resolve("Lora");
    Files.createDirectories(models);
    Files.copy(ADAPTER, models.resolve("my_style.safetensors"));
    assertThat(drawn("a cat <lora:my_style:0.8>", "--adapter", models.toString())).isEqualTo(with);
    assertThat(drawn("a cat", "--adapter", models.toString())).isEqualTo(without);
    assertThat(drawn("a cat", "--adapter", adapter))
        .isEqualTo(drawn("a cat <lora:lora>", "--adapter", adapter));
  }

  @Test
  void saysWhichAdaptersThereAre() {
    assertThat(flora("--prompt", "a cat <lora:other:0.8>", "--adapter", ADAPTER.toString()))
        .isEqualTo(Main.REFUSED);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("other").contains("[lora]");
  }

  @Test
  void saysWhatIsWrongWithSizesModelsAndNames() {
    assertThat(flora(MODEL, 33, "--prompt", "a")).isEqualTo(Main.REFUSED);
    assertThat(flora(folder, 32, "--prompt", "a")).isEqualTo(Main.REFUSED);
    assertThat(flora("--prompt", "a", "--adapter", "gone.safetensors")).isEqualTo(Main.REFUSED);
    assertThat(flora("--prompt", "<hypernet:a:1>")).isEqualTo(Main.REFUSED);
    assertThat(flora("--prompt", "a", "--sampler", "heun")).isEqualTo(Main.REFUSED);

    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("multiples of")
        .contains("model_index.json")
        .contains("gone.safetensors")
        .contains("no LoRA")
        .contains("euler_a");
  }
}
