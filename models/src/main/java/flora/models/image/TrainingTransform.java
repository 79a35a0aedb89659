package flora.models.image;

import flora.models.image.Resampling.Part;

/**
 * Pictures as Stable Diffusion is trained on them: resized (bilinear, with antialiasing), a part
 * cut out, perhaps mirrored, values in [-1, 1].
 *
 * <p>Equals torchvision's {@code Resize, Crop, RandomHorizontalFlip, ToTensor, Normalize([0.5],
 * [0.5])} on a PIL picture.
 */
public final class TrainingTransform {

  private TrainingTransform() {}

  /**
   * What is seen of a picture.
   *
   * @param resizedWidth of the whole picture
   * @param resizedHeight of the whole picture
   * @param left first column of the part
   * @param top first row of the part
   * @param width of the part
   * @param height of the part
   * @param mirrored left and right of the part exchanged
   */
  public record Cut(
      int resizedWidth,
      int resizedHeight,
      int left,
      int top,
      int width,
      int height,
      boolean mirrored) {

    public Cut {
      if (left < 0
          || top < 0
          || width < 1
          || height < 1
          || left + width > resizedWidth
          || top + height > resizedHeight) {
        throw new IllegalArgumentException(
            "%d x %d at (%d, %d) does not lie within %d x %d"
                .formatted(width, height, left, top, resizedWidth, resizedHeight));
      }
    }
  }

  /** The middle square of a picture whose shorter edge has that many pixels. */
  public static Cut middle(RgbImage picture, int resolution) {
    var whole = Framing.shortestEdge(picture, resolution);
    int left = (int) Math.rint((whole.width() - resolution) / 2.0);
    int top = (int) Math.rint((whole.height() - resolution) / 2.0);
    return new Cut(whole.width(), whole.height(), left, top, resolution, resolution, false);
  }

  /** The network's input, {@code [3, height, width]}; nothing but the part is computed. */
  public static PixelValues apply(RgbImage picture, Cut cut) {
    int width = cut.width();
    int height = cut.height();
    var part = new Part(cut.left(), cut.top(), width, height);
    byte[] pixels =
        Resampling.BILINEAR.resize(picture, cut.resizedWidth(), cut.resizedHeight(), part).pixels();
    int plane = width * height;
    float[] values = new float[3 * plane];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int from = 3 * (y * width + (cut.mirrored() ? width - 1 - x : x));
        for (int channel = 0; channel < 3; channel++) {
          values[channel * plane + y * width + x] =
              ((pixels[from + channel] & 0xff) / 255f - 0.5f) / 0.5f;
        }
      }
    }
    return new PixelValues(height, width, values);
  }
}
