package flora.standalone.bench;

import static org.assertj.core.api.Assertions.assertThat;

import flora.models.image.ImageDecoder;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelBenchTest {
  @TempDir Path folder;

  @Test
  void drawnPicturesAreAllDifferentFilesThatCanBeDecoded() throws Exception {
    DrawnPictures.draw(folder, 40, 64, 48);

    var files = LabelMain.pictures(folder);
    var contents = new TreeSet<String>();
    for (Path file : files) {
      var bytes = Files.readAllBytes(file);
      contents.add(new String(bytes, StandardCharsets.ISO_8859_1));
      var picture = new ImageDecoder().decode(bytes);
      assertThat(List.of(picture.width(), picture.height())).containsExactly(64, 48);
    }
    assertThat(files).hasSize(40);
    assertThat(contents).hasSize(40);
  }

  @Test
  void countsEqualAndRightLabelsOfRealProcesses() throws Exception {
    var csv = new StringBuilder("file_name,text\n");
    for (var each : Map.of("red", Color.RED, "blue", Color.BLUE).entrySet()) {
      var image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
      var graphics = image.createGraphics();
      graphics.setColor(Color.GRAY);
      graphics.fillRect(0, 0, 64, 64);
      graphics.setColor(each.getValue());
      graphics.fillOval(14, 14, 36, 36);
      graphics.dispose();
      ImageIO.write(image, "png", folder.resolve(each.getKey() + ".png").toFile());
      csv.append(each.getKey()).append(".png,a ").append(each.getKey()).append(" circle\n");
    }
    // what is wrong must be counted as wrong
    ImageIO.write(
        ImageIO.read(folder.resolve("red.png").toFile()),
        "png",
        folder.resolve("wrong.png").toFile());
    csv.append("wrong.png,a green square\n");
    Files.writeString(folder.resolve("labels.csv"), csv);
    // equal bytes are labelled once, so make them differ
    Files.write(folder.resolve("wrong.png"), new byte[] {0}, StandardOpenOption.APPEND);
    var said = new ByteArrayOutputStream();
    var model = Path.of(LabelBench.class.getResource("/flora/standalone/demo/shapes-clip").toURI());
    var work = Files.createDirectory(folder.resolve("work"));
    var bench =
        new LabelBench(
            new PrintStream(said, true, StandardCharsets.UTF_8),
            work,
            model,
            folder,
            "python-that-is-not-there",
            2,
            1,
            1);

    assertThat(bench.run(Set.of("agreement"))).isZero();
    assertThat(bench.run(Set.of("right"))).isEqualTo(1);

    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("16 of 26 layers in int8, 3 of 3 pictures have the same label")
        .contains("2 of 3")
        .contains("0.6667 **missed**");
    assertThat(work).isEmptyDirectory();
  }

  @Test
  void namesTheScenariosThereAre() throws Exception {
    var said = new ByteArrayOutputStream();
    var bench =
        new LabelBench(
            new PrintStream(said, true, StandardCharsets.UTF_8), folder, folder, null, "", 1, 1, 1);

    assertThat(bench.run(Set.of("right"))).isEqualTo(2);
    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("[right]")
        .contains("[fp32, int8, decode]")
        .contains("--images");
  }
}
