package flora.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeftOverTest {

  private static final String UUID = "-123e4567-e89b-42d3-a456-426614174000";

  @TempDir Path objects;

  @Test
  void removesTheHalfOfAPutThatWasKilledAndNothingElse() throws Exception {
    var folder = Files.createDirectories(objects.resolve("bucket/a"));
    var half = Files.writeString(folder.resolve("cat.png" + UUID), "hal");
    var whole = Files.writeString(folder.resolve("cat.png"), "whole");
    var likeAHalf = Files.writeString(folder.resolve("dog.png" + UUID), "an object of that name");
    var view = Files.getFileAttributeView(likeAHalf, UserDefinedFileAttributeView.class);
    Assumptions.assumeTrue(view != null, "the file system has no extended attributes");
    view.write("user.content-md5", UTF_8.encode("d41d8cd98f00b204e9800998ecf8427e"));

    LeftOver.sweep(objects);

    assertThat(half).doesNotExist();
    assertThat(whole).exists();
    assertThat(likeAHalf).exists();
  }
}
