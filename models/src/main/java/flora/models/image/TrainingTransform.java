package flora.models.image;

import flora.models.image.Resampling.Part;

/**
 * The picture as Stable Diffusion is trained on it: shorter edge to the resolution (bilinear, with
 * antialiasing), centre crop, values in [-1, 1].
 *
 * <p>Equals torchvision's {@code Resize, CenterCrop, ToTensor, Normalize([0.5], [0.5])} on a PIL
 * picture.
 */
public final class TrainingTransform {

  private final int resolution;

  /** A transform to squares of that many pixels. */
  public TrainingTransform(int resolution) {
    if (resolution < 8) {
      throw new IllegalArgumentException("a resolution of " + resolution + " is too small");
    }
    this.resolution = resolution;
  }

  /** The network's input: {@code [3, resolution, resolution]} of the middle of a picture. */
  public PixelValues apply(RgbImage picture) {
    var whole = Framing.shortestEdge(picture, resolution);
    int top = (int) Math.rint((whole.height() - resolution) / 2.0);
    int left = (int) Math.rint((whole.width() - resolution) / 2.0);
    var part = new Part(left, top, resolution, resolution);
    var middle = Resampling.BILINEAR.resize(picture, whole.width(), whole.height(), part);
    return cut(middle, 0, 0, false);
  }

  /** The whole picture with its shorter edge at the resolution. */
  public RgbImage resize(RgbImage picture) {
    return Framing.shortestEdge(picture, resolution, Resampling.BILINEAR);
  }

  /**
   * The network's input: a square out of a resized picture.
   *
   * @param left its first column
   * @param top its first row
   * @param mirrored left and right exchanged, as by {@code RandomHorizontalFlip}
   */
  public PixelValues cut(RgbImage resized, int left, int top, boolean mirrored) {
    byte[] pixels = Framing.crop(resized, left, top, resolution, resolution).pixels();
    int plane = resolution * resolution;
    float[] values = new float[3 * plane];
    for (int y = 0; y < resolution; y++) {
      for (int x = 0; x < resolution; x++) {
        int from = 3 * (y * resolution + (mirrored ? resolution - 1 - x : x));
        for (int channel = 0; channel < 3; channel++) {
          values[channel * plane + y * resolution + x] =
              ((pixels[from + channel] & 0xff) / 255f - 0.5f) / 0.5f;
        }
      }
    }
    return new PixelValues(resolution, resolution, values);
  }
}
