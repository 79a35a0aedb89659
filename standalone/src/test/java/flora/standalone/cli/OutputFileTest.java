package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.standalone.client.InvalidInput;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutputFileTest {

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "out", "/tmp/out"})
  void liesBelowTheFolderThatWasNamed(String folder) {
    assertThat(OutputFile.inside(Path.of(folder), "adapter/kohya/a.safetensors"))
        .isEqualTo(Path.of(folder).resolve("adapter/kohya/a.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x", "a/../../x", "/etc/passwd", "", "."})
  void refusesANameThatLeadsElsewhere(String name) {
    assertThatThrownBy(() -> OutputFile.inside(Path.of("out"), name))
        .isInstanceOf(InvalidInput.class);
  }
}
