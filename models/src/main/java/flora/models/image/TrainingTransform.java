package flora.models.image;

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

  /** The network's input: {@code [3, resolution, resolution]}. */
  public PixelValues apply(RgbImage picture) {
    RgbImage image = Framing.shortestEdge(picture, resolution, Resampling.BILINEAR);
    int top = (int) Math.rint((image.height() - resolution) / 2.0);
    int left = (int) Math.rint((image.width() - resolution) / 2.0);
    image = Framing.crop(image, left, top, resolution, resolution);
    int plane = resolution * resolution;
    float[] values = new float[3 * plane];
    byte[] pixels = image.pixels();
    for (int i = 0; i < 3 * plane; i++) {
      values[(i % 3) * plane + i / 3] = ((pixels[i] & 0xff) / 255f - 0.5f) / 0.5f;
    }
    return new PixelValues(resolution, resolution, values);
  }
}
