package flora.schemas.dataset;

/**
 * A line of {@code metadata.csv}: a picture and its caption.
 *
 * @param fileName the picture, relative to the table
 * @param text its caption
 */
public record CaptionRow(String fileName, String text) {}
