package flora.tensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {

  @TempDir Path folder;

  private static byte[] bytes(SafetensorsWriter writer) throws IOException {
    var out = new ByteArrayOutputStream();
    writer.writeTo(out);
    return out.toByteArray();
  }

  @Test
  void readsBackWhatItWrote() {
    var values = new float[40_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.5f;
    }
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .metadata("lora_alpha", "16")
        .add("big", List.of(200L, 200L), values)
        .add("scalar", List.of(), new float[] {7})
        .add("odd", DType.U8, List.of(3L), MemorySegment.ofArray(new byte[] {1, 2, 3}))
        .writeTo(path);

    try (var file = SafetensorsFile.open(path)) {
      var f32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
      assertThat(file.data("big").toArray(f32)).containsExactly(values);
      assertThat(file.data("scalar").toArray(f32)).containsExactly(7);
      assertThat(file.data("odd").toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, 3);
      assertThat(file.metadata()).containsEntry("lora_alpha", "16");
    }
  }

  @Test
  void theOrderOfTheCallsDoesNotMatter() throws IOException {
    var one = new SafetensorsWriter().metadata("b", "2").metadata("a", "1");
    one.add("x", List.of(1L), new float[] {1}).add("y", List.of(1L), new float[] {2});
    var two = new SafetensorsWriter().metadata("a", "1").metadata("b", "2");
    two.add("y", List.of(1L), new float[] {2}).add("x", List.of(1L), new float[] {1});

    assertThat(bytes(one)).isEqualTo(bytes(two));
  }

  @Test
  void theDataSectionIsAligned() throws IOException {
    for (int length = 1; length < 12; length++) {
      byte[] file = bytes(new SafetensorsWriter().add("n".repeat(length), List.of(), new float[1]));

      assertThat((file.length - 4) % 8).isZero();
    }
  }

  @Test
  void aFailedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Path path = Files.writeString(folder.resolve("x.safetensors"), "old");
    var writer =
        new SafetensorsWriter()
            .add(
                "a",
                DType.U8,
                List.of(1L),
                (SafetensorsWriter.Source)
                    out -> {
                      throw new IOException("the disk is gone");
                    });

    assertThatThrownBy(() -> writer.writeTo(path))
        .isInstanceOf(SafetensorsException.Unreadable.class)
        .hasMessageContaining("the disk is gone");
    assertThat(path).hasContent("old");
    assertThat(folder).isDirectoryContaining(p -> p.equals(path));
    try (var entries = Files.list(folder)) {
      assertThat(entries).hasSize(1);
    }
  }

  @Test
  void refusesASourceOfTheWrongLength() {
    var writer = new SafetensorsWriter().add("a", List.of(3L), new float[2]);

    assertThatThrownBy(() -> writer.writeTo(folder.resolve("x.safetensors")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the source of a wrote 8 bytes, F32[3] needs 12");
  }

  @Test
  void refusesANameTwice() {
    var writer = new SafetensorsWriter().add("a", List.of(), new float[1]);

    assertThatThrownBy(() -> writer.add("a", List.of(), new float[1]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> writer.add("__metadata__", List.of(), new float[1]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theFileHasThePermissionsOfAnyNewFile() throws IOException {
    Path other = Files.createFile(folder.resolve("other"));
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter().add("a", List.of(), new float[1]).writeTo(path);

    assertThat(Files.getPosixFilePermissions(path)).isEqualTo(Files.getPosixFilePermissions(other));
  }
}
