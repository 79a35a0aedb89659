package flora.models.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import flora.models.ModelException.WeightsMismatch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsTest {
  @TempDir Path folder;

  @Test
  void readsEachTypeAsFp32AndWholeNumbersAsTheyAre() throws Exception {
    try (var weights = Weights.open(file("        "))) {
      assertThat(weights.child("a").tensor("f32", 2, 1).toFloatArray()).containsExactly(1.5f, -2);
      assertThat(weights.child("a").tensor("f16", 2).toFloatArray()).containsExactly(1, -2);
      assertThat(weights.child("a").tensor("bf16", 1).toFloatArray()).containsExactly(1.5f);
      var ids = weights.tensor("position_ids", 1);
      assertThat(ids.getDataType()).isEqualTo(DataType.INT64);
      assertThat(ids.toLongArray()).containsExactly(7);
    }
  }

  @Test
  void readsTensorsAtOddOffsets() throws Exception {
    for (String padding : new String[] {" ", "  ", "   ", "    ", "     "}) {
      try (var weights = Weights.open(file(padding))) {
        assertThat(weights.tensor("a.f32", 2, 1).toFloatArray()).containsExactly(1.5f, -2);
        assertThat(weights.tensor("a.f16", 2).toFloatArray()).containsExactly(1, -2);
        assertThat(weights.tensor("a.bf16", 1).toFloatArray()).containsExactly(1.5f);
      }
    }
  }

  @Test
  void namesWhatIsMissingMisshapenOrLeftOver() throws Exception {
    try (var weights = Weights.open(file(""))) {
      assertThatThrownBy(() -> weights.child("a").tensor("f64", 2))
          .isInstanceOf(WeightsMismatch.class)
          .hasMessageContaining("a.f64 is missing")
          .hasMessageContaining("a.f32");
      assertThatThrownBy(() -> weights.tensor("a.f32", 3))
          .isInstanceOf(WeightsMismatch.class)
          .hasMessageContaining("a.f32 has shape [2, 1]")
          .hasMessageContaining("(3)");
      weights.tensor("a.f32", 2);
      assertThatThrownBy(
              () -> weights.requireAllUsed(key -> key.endsWith("f16") && !key.contains("bf")))
          .isInstanceOf(WeightsMismatch.class)
          .hasMessageContaining("1 tensors")
          .hasMessageEndingWith(": a.bf16");
    }
  }

  @Test
  void trailingOnesMayBeStoredInAddition() throws Exception {
    try (var weights = Weights.open(file(""))) {
      assertThat(weights.tensor("a.f32", 2).getShape().getShape()).containsExactly(2);
    }
  }

  /** Two fp32, two fp16, one bf16, one int64, behind a header of any length. */
  private Path file(String padding) throws Exception {
    String header =
        """
        {"a.f32":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},\
        "position_ids":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},\
        "a.f16":{"dtype":"F16","shape":[2],"data_offsets":[16,20]},\
        "a.bf16":{"dtype":"BF16","shape":[1],"data_offsets":[20,22]}}\
        """
            + padding;
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + json.length + 22).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).putFloat(1.5f).putFloat(-2).putLong(7);
    bytes.putShort((short) 0x3c00).putShort((short) 0xc000).putShort((short) 0x3fc0);
    return Files.write(folder.resolve("w" + padding.length() + ".safetensors"), bytes.array());
  }
}
