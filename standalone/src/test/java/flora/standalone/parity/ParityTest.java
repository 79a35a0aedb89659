package flora.standalone.parity;

import static org.assertj.core.api.Assertions.assertThat;

import flora.tensors.SafetensorsFile;
import flora.tensors.SafetensorsWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParityTest {

  /** The goldens that the module "models" is tested with. */
  private static final Path GOLDENS = Path.of("../models/src/test/resources/parity");

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @TempDir Path folder;

  private int run(Path root, String... only) {
    printed.reset();
    return new Parity(root, new PrintStream(printed, true, StandardCharsets.UTF_8), null)
        .run(Set.of(only));
  }

  private String output() {
    return printed.toString(StandardCharsets.UTF_8);
  }

  private void copy(String... paths) throws IOException {
    for (String path : paths) {
      try (var files = Files.walk(GOLDENS.resolve(path))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Path target = folder.resolve(GOLDENS.relativize(file).toString());
          Files.createDirectories(target.getParent());
          Files.copy(file, target);
        }
      }
    }
  }

  /** Writes a golden file again, with one byte of one tensor changed. */
  private void change(String set, String tensor, int at, int by) throws IOException {
    Path path = folder.resolve("golden/" + set + "/golden.safetensors");
    var writer = new SafetensorsWriter();
    try (var file = SafetensorsFile.open(path)) {
      file.tensors()
          .forEach(
              (name, info) -> {
                byte[] bytes = file.data(name).toArray(ValueLayout.JAVA_BYTE);
                if (name.equals(tensor)) {
                  bytes[at] += (byte) by;
                }
                writer.add(name, info.dtype(), info.shape(), MemorySegment.ofArray(bytes));
              });
      writer.writeTo(folder.resolve("changed"));
    }
    Files.move(folder.resolve("changed"), path, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void thePicturesTheTokenizersClipAndBlipAreRight() {
    assertThat(run(GOLDENS, "images", "tokenizers", "tiny-clip", "tiny-blip"))
        .as(output())
        .isZero();

    assertThat(output().lines().map(line -> line.split("  ")[0].strip()))
        .containsExactly("ok", "ok", "ok", "ok", "ok", "ok");
    assertThat(output())
        .contains("  images  ", "  tokenizers/tiny-blip  ", "  tiny-blip  ", "  tiny-clip  ");
  }

  @Test
  void stableDiffusionAndItsTrainingAreRight() {
    assertThat(run(GOLDENS, "tiny-sd", "sd-lora-const", "sd-lora-minsnr")).as(output()).isZero();

    assertThat(output().lines().map(line -> line.split("  ")[0].strip()))
        .containsExactly("ok", "ok", "ok");
  }

  @Test
  void aWrongLossFailsTheTraining() throws IOException {
    copy("golden/sd-lora-minsnr", "models/tiny-sd");
    // a bit of the first loss that is worth about 2 %
    change("sd-lora-minsnr", "log.loss", 2, 2);

    assertThat(run(folder, "sd-lora-minsnr")).isEqualTo(1);
    assertThat(output()).startsWith("FAIL         sd-lora-minsnr  log.loss  ");
  }

  @Test
  void oneWrongPixelFailsTheSetAndIsNamed() throws IOException {
    copy("golden/images", "images", "models");
    change("images", "decoded/gray.png", 17, 1);

    assertThat(run(folder, "images")).isEqualTo(1);
    assertThat(output()).startsWith("FAIL         images  decoded/gray.png  1.00  0.00");
  }

  @Test
  void aWrongWeightFailsTheSet() throws IOException {
    copy("golden/tiny-clip", "models/tiny-clip", "images");
    // the highest byte of a float's exponent
    change("tiny-clip", "text_features", 3, 1);

    assertThat(run(folder, "tiny-clip")).isEqualTo(1);
    assertThat(output()).startsWith("FAIL         tiny-clip  text_features  ");
  }

  @Test
  void aWrongCaptionFailsTheSetAndNamesThePicture() throws IOException {
    copy("golden/tiny-blip", "models/tiny-blip", "images");
    Path golden = folder.resolve("golden/tiny-blip/golden.json");
    Files.writeString(golden, Files.readString(golden).replace("men p horse", "men q horse"));

    assertThat(run(folder, "tiny-blip")).isEqualTo(1);
    assertThat(output()).startsWith("FAIL         tiny-blip  captions[large.png, null].text  ");
  }

  @Test
  void theKindOfASetIsThatOfItsModel() throws IOException {
    copy("golden/tiny-blip", "models/tiny-blip", "images");
    Files.move(folder.resolve("golden/tiny-blip"), folder.resolve("golden/another"));
    Files.move(folder.resolve("models/tiny-blip"), folder.resolve("models/another"));

    assertThat(run(folder, "another")).as(output()).isZero();
  }

  @Test
  void aWrongIdFailsTheSetAndNamesThePrompt() throws IOException {
    copy("golden/tokenizers", "models/tiny-clip", "models/tiny-sd", "models/tiny-blip");
    Path golden = folder.resolve("golden/tokenizers/tiny-clip.json");
    Files.writeString(golden, Files.readString(golden).replaceFirst("\\b549\\b", "550"));

    assertThat(run(folder)).isEqualTo(1);
    assertThat(output())
        .contains("FAIL         tokenizers/tiny-clip  prompts[0].ids  ")
        .contains("ok           tokenizers/tiny-sd  ");
  }

  @Test
  void whatIsNotDoneIsUnsupported() throws IOException {
    copy("golden/tiny-clip", "models/tiny-clip", "images");
    Path config = folder.resolve("models/tiny-clip/config.json");
    Files.writeString(config, Files.readString(config).replace("quick_gelu", "mish"));
    Files.createDirectories(folder.resolve("golden/new-thing"));
    Files.writeString(folder.resolve("golden/new-thing/golden.json"), "{}");
    new SafetensorsWriter()
        .add("a", java.util.List.of(1L), new float[1])
        .writeTo(folder.resolve("golden/new-thing/golden.safetensors"));

    assertThat(run(folder)).isEqualTo(1);
    assertThat(output().lines())
        .allSatisfy(line -> assertThat(line).startsWith("unsupported  "))
        .hasSize(2);
    assertThat(output()).contains("hidden_act", "mish");
  }

  @Test
  void aTensorThatNobodyLooksAtIsUnsupported() throws IOException {
    copy("golden/tiny-clip", "models/tiny-clip", "images");
    Path path = folder.resolve("golden/tiny-clip/golden.safetensors");
    var writer = new SafetensorsWriter().add("extra", java.util.List.of(1L), new float[1]);
    try (var file = SafetensorsFile.open(path)) {
      file.tensors()
          .forEach((name, info) -> writer.add(name, info.dtype(), info.shape(), file.data(name)));
      writer.writeTo(path);
    }

    assertThat(run(folder)).isEqualTo(1);
    assertThat(output()).startsWith("unsupported  tiny-clip  extra");
  }

  @Test
  void aSetThatDoesNotExistIsAnError() throws IOException {
    assertThat(run(GOLDENS, "imagse")).isEqualTo(2);
    assertThat(output()).contains("no such set: imagse", "images");
    assertThat(run(folder)).isEqualTo(2);
    assertThat(Arrays.asList(folder.toFile().list())).isEmpty();
  }
}
