package flora.standalone.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.models.lora.LoraState;
import flora.tensors.Checkpoint;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flora merge} and {@code flora convert} as somebody types them. */
class MergeCommandTest {
  private static final Path PARITY = Path.of("..", "models", "src", "test", "resources", "parity");
  private static final Path MODEL = PARITY.resolve("models/tiny-sd");
  private static final Path RUN = PARITY.resolve("golden/sd-lora-te");
  private static final Path KOHYA = RUN.resolve("kohya/lora.safetensors");
  private static final String KEY = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight";

  @TempDir Path here;

  private String out = "";
  private String err = "";

  @Test
  void anAdapterIsAddedAsStronglyAsAsked() throws Exception {
    var half = here.resolve("half");
    var whole = here.resolve("whole");
    assertThat(flora("merge", "--model", MODEL, "--adapter", KOHYA + ":0.5", "-o", half)).isZero();
    assertThat(out).contains("half: 88 tensors changed by 1 adapter");
    var peft = RUN.resolve("peft");
    assertThat(flora("merge", "--model", MODEL, "--adapter", peft, "--output", whole)).isZero();

    try (var base = Checkpoint.open(MODEL.resolve("unet"));
        var a = Checkpoint.open(half.resolve("unet"));
        var b = Checkpoint.open(whole.resolve("unet"))) {
      float[] before = LoraState.Matrix.read(base, KEY).values();
      float[] once = LoraState.Matrix.read(a, KEY).values();
      float[] twice = LoraState.Matrix.read(b, KEY).values();
      double largest = 0;
      for (int i = 0; i < before.length; i++) {
        assertThat(2 * (once[i] - before[i])).isCloseTo(twice[i] - before[i], within(1e-6f));
        largest = Math.max(largest, Math.abs(twice[i] - before[i]));
      }
      assertThat(largest).isGreaterThan(1e-3);
    }
  }

  @Test
  void theTextEncoderHasAStrengthOfItsOwn() throws Exception {
    var merged = here.resolve("merged");
    assertThat(flora("merge", "--model", MODEL, "--adapter", KOHYA + ":1:0", "-o", merged))
        .isZero();
    assertThat(out).contains("80 tensors changed");
    assertThat(merged.resolve("text_encoder/model.safetensors"))
        .hasSameBinaryContentAs(MODEL.resolve("text_encoder/model.safetensors"));
  }

  @Test
  void nothingThatIsThereIsOverwritten() throws Exception {
    var there = Files.createDirectory(here.resolve("there"));
    assertThat(flora("merge", "--model", MODEL, "--adapter", KOHYA, "-o", there))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("--output").contains("is there already");
    assertThat(there).isEmptyDirectory();
  }

  @Test
  void errorsNameTheFileAndWhatWasExpected() {
    var nowhere = here.resolve("nowhere.safetensors");
    assertThat(flora("merge", "--model", MODEL, "--adapter", nowhere, "-o", here.resolve("x")))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("nowhere.safetensors is missing").doesNotContain("\tat ");

    assertThat(flora("merge", "--model", KOHYA, "--adapter", KOHYA, "-o", here.resolve("x")))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("an adapter, not a model");
    assertThat(here).isEmptyDirectory();
  }

  @Test
  void anAdapterGetsTheKeysOfAnotherProgram() throws Exception {
    var diffusers = here.resolve("out/diffusers.safetensors");
    assertThat(flora("convert", KOHYA, "--to", "diffusers", "-o", diffusers, "--precision", "fp16"))
        .isZero();
    assertThat(out.strip()).isEqualTo(diffusers.toString());
    var peft = here.resolve("peft");
    assertThat(flora("convert", diffusers, "--to", "peft", "-o", peft, "--model", MODEL)).isZero();
    assertThat(out.lines()).hasSize(4);
    assertThat(peft.resolve("text_encoder/adapter_config.json"))
        .content(UTF_8)
        .contains("\"lora_alpha\" : 16");
  }

  @Test
  void aFileThatIsNoAdapterIsRefused() {
    var unet = MODEL.resolve("unet/diffusion_pytorch_model.safetensors");
    assertThat(flora("convert", unet, "--to", "kohya", "-o", here.resolve("x.safetensors")))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains("holds no matrices");
    assertThat(flora("convert", KOHYA, "--to", "kohya", "-o", here.resolve("x.bin")))
        .isEqualTo(Main.REFUSED);
    assertThat(err).contains(".safetensors");
    assertThat(here).isEmptyDirectory();
  }

  private int flora(Object... arguments) {
    var words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    var errors = new StringWriter();
    var bytes = new ByteArrayOutputStream();
    var before = System.out;
    System.setOut(new PrintStream(bytes, true, UTF_8));
    try {
      return Main.commandLine().setErr(new PrintWriter(errors, true)).execute(words);
    } finally {
      System.setOut(before);
      out = bytes.toString(UTF_8);
      err = errors.toString();
    }
  }
}
