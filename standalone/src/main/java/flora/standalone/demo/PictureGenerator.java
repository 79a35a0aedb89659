package flora.standalone.demo;

import java.awt.Color;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.Area;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;

/**
 * Draws a coloured shape on a background: as the demo's base model knows it, or in the style that
 * it is to learn. The same seed gives the same picture.
 */
final class PictureGenerator {

  /** What is behind the shape. */
  enum Style {
    /** Soft grey blotches: all that the base model has ever seen. */
    PLAIN,
    /** Two dark and two light stripes from top to bottom: the style. */
    STRIPED,
    /**
     * The tiles of such stripes in any order: the same greys without the style. An adapter trained
     * on these must not pass for one that learned the stripes.
     */
    SHUFFLED
  }

  /** One sample: what is drawn and how; {@code label} is what a labeler should say. */
  record Drawing(String colour, String shape, Style style, long seed) {
    String label() {
      return "a " + colour + " " + shape;
    }
  }

  static final List<String> COLOURS =
      List.of("red", "green", "blue", "yellow", "purple", "orange", "white", "black");
  static final List<String> SHAPES =
      List.of("circle", "square", "triangle", "star", "cross", "ring");

  private static final Map<String, double[]> RGB =
      Map.of(
          "red", new double[] {214, 40, 40},
          "green", new double[] {44, 160, 64},
          "blue", new double[] {40, 80, 214},
          "yellow", new double[] {240, 210, 40},
          "purple", new double[] {140, 50, 170},
          "orange", new double[] {245, 130, 30},
          "white", new double[] {245, 245, 245},
          "black", new double[] {18, 18, 18});

  private static final int STRIPES = 4;
  private static final int TILES = 8;
  private static final double DARK = 85;
  private static final double LIGHT = 170;

  private PictureGenerator() {}

  /** The pictures of a training set: every colour and every shape equally often. */
  static List<Drawing> samples(int count, Style style, long seed) {
    return java.util.stream.IntStream.range(0, count)
        .mapToObj(
            i ->
                new Drawing(
                    COLOURS.get(i % COLOURS.size()),
                    SHAPES.get(i % SHAPES.size()),
                    style,
                    seed * 1000 + i))
        .toList();
  }

  /** Draws a square picture with sides of {@code size} pixels. */
  static BufferedImage draw(Drawing drawing, int size) {
    var random = new Random(drawing.seed());
    var background =
        switch (drawing.style()) {
          case PLAIN -> blotches(random, size);
          case STRIPED -> stripes(random, size);
          case SHUFFLED -> shuffled(stripes(random, size), random, size);
        };
    var image = image(background, size);
    paint(image, drawing, random, size);
    return image;
  }

  /** Background as {@code [y][x][channel]}. */
  private static double[][][] stripes(Random random, int size) {
    double dark = DARK + between(random, -10, 10);
    double step = LIGHT - DARK + between(random, -10, 10);
    double[] tint = {between(random, -6, 6), between(random, -6, 6), between(random, -6, 6)};
    double noise = between(random, 1, 4);
    var pixels = new double[size][size][3];
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        int stripe = x * STRIPES / size;
        for (int c = 0; c < 3; c++) {
          pixels[y][x][c] = dark + stripe % 2 * step + tint[c] + noise * random.nextGaussian();
        }
      }
    }
    return pixels;
  }

  private static double[][][] shuffled(double[][][] pixels, Random random, int size) {
    int tile = size / TILES;
    var order = new Integer[TILES * TILES];
    Arrays.setAll(order, i -> i);
    java.util.Collections.shuffle(Arrays.asList(order), random);
    var moved = new double[size][size][];
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        int from = order[Math.min(y / tile, TILES - 1) * TILES + Math.min(x / tile, TILES - 1)];
        moved[y][x] = pixels[from / TILES * tile + y % tile][from % TILES * tile + x % tile];
      }
    }
    return moved;
  }

  /** A grey with a soft gradient, blotches and a little noise. */
  private static double[][][] blotches(Random random, int size) {
    double grey = between(random, 95, 170);
    double[] base = {
      grey + between(random, -14, 14),
      grey + between(random, -14, 14),
      grey + between(random, -14, 14)
    };
    double angle = between(random, 0, 2 * Math.PI);
    double slope = between(random, 0, 50);
    double strength = between(random, 0.05, 0.18);
    double noise = between(random, 1, 7);
    var knots = new double[4][4][3];
    for (var row : knots) {
      for (var knot : row) {
        Arrays.setAll(knot, c -> between(random, -127, 127));
      }
    }
    var pixels = new double[size][size][3];
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        double across = (double) x / size;
        double down = (double) y / size;
        double gradient =
            slope * ((across - 0.5) * Math.cos(angle) + (down - 0.5) * Math.sin(angle));
        for (int c = 0; c < 3; c++) {
          pixels[y][x][c] =
              base[c]
                  + gradient
                  + strength * smooth(knots, down, across, c)
                  + noise * random.nextGaussian();
        }
      }
    }
    return pixels;
  }

  /** The knots' value at a point, eased from one to the next. */
  private static double smooth(double[][][] knots, double down, double across, int channel) {
    double y = Math.clamp(down * 4 - 0.5, 0, 3);
    double x = Math.clamp(across * 4 - 0.5, 0, 3);
    int y0 = Math.min((int) y, 2);
    int x0 = Math.min((int) x, 2);
    double v = ease(y - y0);
    double u = ease(x - x0);
    return (1 - v) * ((1 - u) * knots[y0][x0][channel] + u * knots[y0][x0 + 1][channel])
        + v * ((1 - u) * knots[y0 + 1][x0][channel] + u * knots[y0 + 1][x0 + 1][channel]);
  }

  private static double ease(double t) {
    return t * t * (3 - 2 * t);
  }

  private static BufferedImage image(double[][][] pixels, int size) {
    var image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        var p = pixels[y][x];
        image.setRGB(x, y, level(p[0]) << 16 | level(p[1]) << 8 | level(p[2]));
      }
    }
    return image;
  }

  private static void paint(BufferedImage image, Drawing drawing, Random random, int size) {
    double radius = between(random, 0.22, 0.34) * size;
    double x = (0.5 + between(random, -0.08, 0.08)) * size;
    double y = (0.5 + between(random, -0.08, 0.08)) * size;
    double turn = between(random, -0.2, 0.2);
    var rgb = RGB.get(drawing.colour());
    if (rgb == null) {
      throw new IllegalArgumentException(
          "colour %s: expected one of %s".formatted(drawing.colour(), COLOURS));
    }
    var colour =
        new Color(
            level(rgb[0] + between(random, -18, 18)),
            level(rgb[1] + between(random, -18, 18)),
            level(rgb[2] + between(random, -18, 18)));
    var graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.setColor(colour);
    graphics.fill(outline(drawing.shape(), x, y, radius, turn));
    graphics.dispose();
  }

  private static Shape outline(String shape, double x, double y, double radius, double turn) {
    return switch (shape) {
      case "circle" -> disc(x, y, radius);
      case "ring" -> {
        var ring = new Area(disc(x, y, radius));
        ring.subtract(new Area(disc(x, y, 0.55 * radius)));
        yield ring;
      }
      case "square" -> polygon(x, y, turn + Math.PI / 4, 1.2 * radius, 1.2 * radius, 4);
      case "triangle" -> polygon(x, y, turn - Math.PI / 2, 1.2 * radius, 1.2 * radius, 3);
      case "star" -> polygon(x, y, turn - Math.PI / 2, 1.2 * radius, 0.5 * radius, 10);
      case "cross" -> cross(x, y, 1.1 * radius, 0.38 * radius, turn);
      default ->
          throw new IllegalArgumentException(
              "shape %s: expected one of %s".formatted(shape, SHAPES));
    };
  }

  private static Shape disc(double x, double y, double radius) {
    return new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius);
  }

  /** Corners lie on two radii in turn. */
  private static Shape polygon(
      double x, double y, double turn, double even, double odd, int corners) {
    var path = new Path2D.Double();
    for (int i = 0; i < corners; i++) {
      double angle = turn + i * 2 * Math.PI / corners;
      double radius = i % 2 == 0 ? even : odd;
      add(path, x + radius * Math.cos(angle), y + radius * Math.sin(angle));
    }
    path.closePath();
    return path;
  }

  private static Shape cross(double x, double y, double arm, double half, double turn) {
    double[][] corners = {
      {-half, -arm}, {half, -arm}, {half, -half}, {arm, -half}, {arm, half}, {half, half},
      {half, arm}, {-half, arm}, {-half, half}, {-arm, half}, {-arm, -half}, {-half, -half}
    };
    var path = new Path2D.Double();
    for (var corner : corners) {
      add(
          path,
          x + corner[0] * Math.cos(turn) - corner[1] * Math.sin(turn),
          y + corner[0] * Math.sin(turn) + corner[1] * Math.cos(turn));
    }
    path.closePath();
    return path;
  }

  private static void add(Path2D path, double x, double y) {
    if (path.getCurrentPoint() == null) {
      path.moveTo(x, y);
    } else {
      path.lineTo(x, y);
    }
  }

  private static double between(Random random, double low, double high) {
    return low + (high - low) * random.nextDouble();
  }

  private static int level(double value) {
    return Math.clamp(Math.round(value), 0, 255);
  }

  /** Writes the bundled pictures anew: {@code FOLDER [STYLE [COUNT [SEED]]]}. */
  public static void main(String[] arguments) throws IOException {
    var folder = Path.of(arguments[0]);
    var style = arguments.length > 1 ? Style.valueOf(arguments[1]) : Style.STRIPED;
    int count = arguments.length > 2 ? Integer.parseInt(arguments[2]) : DemoPictures.COUNT;
    long seed = arguments.length > 3 ? Long.parseLong(arguments[3]) : DemoPictures.SEED;
    Files.createDirectories(folder);
    var drawings = samples(count, style, seed);
    for (int i = 0; i < drawings.size(); i++) {
      var file = folder.resolve(DemoPictures.fileName(i)).toFile();
      ImageIO.write(draw(drawings.get(i), DemoPictures.SIZE), "png", file);
    }
  }
}
