package flora.labeler.spool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkFolderTest {

  @TempDir Path parent;

  @Test
  void nothingOfItStaysWhenItIsClosed() throws IOException {
    try (var work = WorkFolder.in(parent)) {
      Files.writeString(work.file("rows"), "row");
      assertThat(left()).hasSize(2);
    }

    assertThat(left()).isEmpty();
  }

  @Test
  void whatAKilledProcessHasLeftIsRemovedAndWhatIsInUseIsNot() throws IOException {
    var dead = Files.createDirectory(parent.resolve("labelling-1"));
    Files.writeString(dead.resolve("rows"), "row");
    Files.createFile(parent.resolve("labelling-1.lock"));
    var others = Files.writeString(parent.resolve("notes"), "not ours");

    try (var first = WorkFolder.in(parent);
        var second = WorkFolder.in(parent)) {
      assertThat(dead).doesNotExist();
      assertThat(parent.resolve("labelling-1.lock")).doesNotExist();
      assertThat(first.file("rows")).exists();
      assertThat(second.file("rows")).exists();
    }

    assertThat(left()).containsExactly(others);
  }

  private List<Path> left() throws IOException {
    try (var files = Files.list(parent)) {
      return files.toList();
    }
  }
}
