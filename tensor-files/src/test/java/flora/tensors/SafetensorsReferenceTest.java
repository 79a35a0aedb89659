package flora.tensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * A file written by the reference library (tools/parity/make_tensor_files.py) is read and
 * rewritten.
 */
class SafetensorsReferenceTest {

  private static final Path REFERENCE =
      Path.of("src/test/resources/flora/tensors/every_dtype.safetensors");

  @Test
  void readsEveryElementType() {
    try (var file = SafetensorsFile.open(REFERENCE)) {
      assertThat(file.metadata()).containsExactly(java.util.Map.entry("format", "pt"));
      assertThat(
              file.tensors().values().stream().map(TensorInfo::dtype).collect(Collectors.toSet()))
          .hasSize(15);
      assertThat(file.info("logit_scale").shape()).isEmpty();
      assertThat(file.info("logit_scale").count()).isEqualTo(1);
      assertThat(file.info("empty").shape()).containsExactly(0L, 4L);
      assertThat(file.data("empty").byteSize()).isZero();
      assertThat(file.tensors()).containsKeys("ключ \"é\" 🌸", "键");
    }
  }

  @Test
  void readsTheValues() {
    var f32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    var i64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    try (var file = SafetensorsFile.open(REFERENCE)) {
      assertThat(file.data("a.f32").toArray(f32)).containsExactly(-1f, -.75f, -.5f, -.25f, 0, .25f);
      assertThat(file.data("position_ids").toArray(i64)).containsExactly(0, 1, 2, 3);
      assertThat(file.data("logit_scale").get(f32, 0)).isEqualTo(2.6592f);
    }
  }

  @Test
  void fileOffsetCountsFromTheStartOfTheFile() throws IOException {
    byte[] bytes = Files.readAllBytes(REFERENCE);
    try (var file = SafetensorsFile.open(REFERENCE)) {
      int at = (int) file.fileOffset("a.u8");

      assertThat(at).as("an odd offset").isOdd();
      assertThat(List.of(bytes[at], bytes[at + 1], bytes[at + 4]))
          .containsExactly((byte) 0, (byte) 1, (byte) 4);
    }
  }

  @Test
  void writesTheSameBytesAsTheReferenceLibrary() throws IOException {
    var out = new ByteArrayOutputStream();
    try (var file = SafetensorsFile.open(REFERENCE)) {
      var writer = new SafetensorsWriter();
      file.metadata().forEach(writer::metadata);
      file.tensors().values().stream()
          .sorted(java.util.Comparator.comparing(TensorInfo::name))
          .forEach(t -> writer.add(t.name(), t.dtype(), t.shape(), file.data(t.name())));
      writer.writeTo(out);

      assertThat(writer.size()).isEqualTo(out.size());
    }
    assertThat(out.toByteArray()).isEqualTo(Files.readAllBytes(REFERENCE));
  }
}
