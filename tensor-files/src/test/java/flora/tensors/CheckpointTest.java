package flora.tensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.tensors.SafetensorsException.Ambiguous;
import flora.tensors.SafetensorsException.Defect;
import flora.tensors.SafetensorsException.FileMissing;
import flora.tensors.SafetensorsException.Malformed;
import flora.tensors.SafetensorsException.TensorMissing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

  @TempDir Path folder;

  private void weights(String file, String tensor) {
    new SafetensorsWriter()
        .add(tensor, List.of(2L), new float[] {1, 2})
        .writeTo(folder.resolve(file));
  }

  private Path index(String json) throws IOException {
    return Files.writeString(
        folder.resolve("model.safetensors.index.json"), json.replace('\'', '"'));
  }

  @Test
  void opensAFile() {
    weights("any.safetensors", "a");

    try (var checkpoint = Checkpoint.open(folder.resolve("any.safetensors"))) {
      assertThat(checkpoint.names()).containsExactly("a");
    }
  }

  @Test
  void opensTheOnlyFileOfAFolder() {
    weights("any.safetensors", "a");

    try (var checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.data("a").byteSize()).isEqualTo(8);
    }
  }

  @Test
  void prefersTheUsualNameToItsTwins() {
    weights("diffusion_pytorch_model.fp16.safetensors", "half");
    weights("diffusion_pytorch_model.safetensors", "full");

    try (var checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).containsExactly("full");
    }
  }

  @Test
  void readsShardsThroughTheIndex() throws IOException {
    weights("model-00001-of-00002.safetensors", "a");
    weights("model-00002-of-00002.safetensors", "b");
    index(
        """
        {'metadata':{'total_size':16},'weight_map':{'a':'model-00001-of-00002.safetensors',
         'b':'model-00002-of-00002.safetensors'}}""");

    try (var checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).containsExactly("a", "b");
      assertThat(checkpoint.files()).hasSize(2);
      assertThat(checkpoint.file("b").path()).hasFileName("model-00002-of-00002.safetensors");
      assertThat(checkpoint.contains("c")).isFalse();
      assertThatThrownBy(() -> checkpoint.data("c")).isInstanceOf(TensorMissing.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"../other.safetensors", "/etc/passwd", "sub/x.safetensors", "..", "..\\\\x", ""})
  void refusesAShardOutsideTheFolder(String file) throws IOException {
    Path index = index("{'weight_map':{'a':'" + file + "'}}");

    assertThatThrownBy(() -> Checkpoint.open(index))
        .isInstanceOfSatisfying(
            Malformed.class, e -> assertThat(e.defect()).isEqualTo(Defect.PATH_OUTSIDE));
  }

  @Test
  void namesTheMissingShard() throws IOException {
    index("{'weight_map':{'a':'model-00001-of-00001.safetensors'}}");

    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("model-00001-of-00001.safetensors");
  }

  @Test
  void namesATensorThatItsShardLacks() throws IOException {
    weights("m.safetensors", "a");
    index("{'weight_map':{'a':'m.safetensors','b':'m.safetensors'}}");

    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(TensorMissing.class)
        .hasMessageContaining("no tensor b");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[]", "{}", "{'weight_map':[]}", "{'weight_map':{'a':1}}", "{'weight_map':{'a'"})
  void refusesAnIndexOfAnotherForm(String json) throws IOException {
    Path index = index(json);

    assertThatThrownBy(() -> Checkpoint.open(index))
        .isInstanceOfSatisfying(
            Malformed.class, e -> assertThat(e.defect()).isEqualTo(Defect.HEADER_NOT_JSON));
  }

  @Test
  void refusesARepeatedKeyInAnIndex() throws IOException {
    Path index = index("{'weight_map':{'a':'m.safetensors','a':'n.safetensors'}}");

    assertThatThrownBy(() -> Checkpoint.open(index))
        .isInstanceOfSatisfying(
            Malformed.class, e -> assertThat(e.defect()).isEqualTo(Defect.DUPLICATE_KEY));
  }

  @Test
  void asksWhichOfSeveralFilesIsMeant() {
    weights("one.safetensors", "a");
    weights("two.safetensors", "a");

    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(Ambiguous.class)
        .hasMessageContaining("one.safetensors, two.safetensors");
  }

  @Test
  void saysThatAFolderHoldsNoWeights() {
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("no .safetensors file");
  }
}
