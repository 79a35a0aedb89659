package flora.standalone.demo;

import flora.standalone.demo.PictureGenerator.Drawing;
import flora.standalone.demo.PictureGenerator.Style;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

/** The pictures that the demo learns from. */
final class DemoPictures {

  static final int COUNT = 24;
  static final int SIZE = 128;
  static final long SEED = 1;

  private DemoPictures() {}

  static String fileName(int index) {
    return "picture-%02d.png".formatted(index + 1);
  }

  /** What is drawn on each of the bundled pictures. */
  static List<Drawing> drawings() {
    return PictureGenerator.samples(COUNT, Style.STRIPED, SEED);
  }

  /** The bundled PNG files by name. */
  static Map<String, byte[]> bundled() {
    var files = new LinkedHashMap<String, byte[]>();
    IntStream.range(0, COUNT)
        .mapToObj(DemoPictures::fileName)
        .forEach(name -> files.put(name, Bundle.bytes("pictures/" + name)));
    return files;
  }

  /** Drawings as PNG files by name, for a control. */
  static Map<String, byte[]> drawn(List<Drawing> drawings) {
    var files = new LinkedHashMap<String, byte[]>();
    for (int i = 0; i < drawings.size(); i++) {
      files.put(fileName(i), png(PictureGenerator.draw(drawings.get(i), SIZE)));
    }
    return files;
  }

  static byte[] png(BufferedImage image) {
    var out = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
