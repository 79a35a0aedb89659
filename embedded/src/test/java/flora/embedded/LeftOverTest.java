package flora.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Duration;
import java.time.Instant;
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

    LeftOver.sweep(objects, Instant.now());

    assertThat(half).doesNotExist();
    assertThat(whole).exists();
    assertThat(likeAHalf).exists();
  }

  @Test
  void removesThePartsOfAnUploadThatNobodyAddsTo() throws Exception {
    var now = Instant.now();
    var given = part(".mpus-1-models/blobs/x-1", now.minus(Duration.ofHours(25)));
    var going = part(".mpus-2-models/blobs/y-1", now.minus(Duration.ofHours(25)));
    var recent = part(".mpus-2-models/blobs/y-2", now.minus(Duration.ofHours(23)));
    var stub = part(".mpus-3-z-stub", now.minus(Duration.ofHours(25)));

    LeftOver.sweep(objects, now);

    assertThat(given).doesNotExist();
    assertThat(objects.resolve("bucket/.mpus-1-models")).doesNotExist();
    assertThat(stub).doesNotExist();
    assertThat(going).exists();
    assertThat(recent).exists();
  }

  private Path part(String name, Instant time) throws Exception {
    var file = objects.resolve("bucket").resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "part");
    for (var f = file; !f.getFileName().toString().equals("bucket"); f = f.getParent()) {
      Files.setLastModifiedTime(f, FileTime.from(time));
    }
    return file;
  }
}
