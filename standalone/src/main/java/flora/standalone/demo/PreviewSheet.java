package flora.standalone.demo;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;

/** One picture of all: what was learned from, and each prompt without and with the adapter. */
final class PreviewSheet {

  /** A line of pictures under a title, a caption under each picture. */
  record Row(String title, List<BufferedImage> pictures, List<String> captions) {
    Row {
      pictures = List.copyOf(pictures);
      captions = List.copyOf(captions);
      if (pictures.size() != captions.size()) {
        throw new IllegalArgumentException(
            "row %s: %d pictures and %d captions"
                .formatted(title, pictures.size(), captions.size()));
      }
    }

    /** The captions are the prompts and the statistic of each picture. */
    static Row measured(String title, List<BufferedImage> pictures, List<String> prompts) {
      return new Row(
          title,
          pictures,
          java.util.stream.IntStream.range(0, pictures.size())
              .mapToObj(
                  i ->
                      String.format(
                          Locale.ROOT,
                          "%s\n%.1f",
                          prompts.get(i),
                          StyleStatistic.of(pictures.get(i))))
              .toList());
    }
  }

  private static final int TILE = 128;
  private static final int GAP = 12;
  private static final int TITLE = 2 * PixelFont.LINE + 6;
  private static final int CAPTION = 2 * PixelFont.LINE + 6;
  private static final Color PAPER = new Color(250, 250, 248);
  private static final Color INK = new Color(40, 40, 44);

  private PreviewSheet() {}

  static BufferedImage of(List<Row> rows) {
    int columns = rows.stream().mapToInt(row -> row.pictures().size()).max().orElseThrow();
    int rowHeight = TITLE + TILE + CAPTION + GAP;
    var sheet =
        new BufferedImage(
            GAP + columns * (TILE + GAP),
            GAP + rows.size() * rowHeight,
            BufferedImage.TYPE_INT_RGB);
    var graphics = sheet.createGraphics();
    graphics.setColor(PAPER);
    graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.setColor(INK);
    for (int i = 0; i < rows.size(); i++) {
      draw(graphics, rows.get(i), GAP + i * rowHeight);
    }
    graphics.dispose();
    return sheet;
  }

  private static void draw(Graphics2D graphics, Row row, int top) {
    PixelFont.draw(graphics, row.title(), GAP, top, 2);
    for (int i = 0; i < row.pictures().size(); i++) {
      int left = GAP + i * (TILE + GAP);
      graphics.drawImage(row.pictures().get(i), left, top + TITLE, TILE, TILE, null);
      var lines = row.captions().get(i).lines().toList();
      for (int line = 0; line < lines.size(); line++) {
        PixelFont.draw(
            graphics, lines.get(line), left, top + TITLE + TILE + 4 + line * PixelFont.LINE, 1);
      }
    }
  }
}
