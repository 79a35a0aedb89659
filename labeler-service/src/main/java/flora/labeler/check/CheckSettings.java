package flora.labeler.check;

/**
 * What a dataset is measured by.
 *
 * @param dataset its name
 * @param resolution pixels that the shorter side of a picture should have: the training's, else
 *     {@link #USUAL_RESOLUTION}
 * @param tokenLimit tokens that a caption may have, start and end included; 0 = any number
 * @param training whether a training follows, which errors are to stop
 */
public record CheckSettings(String dataset, int resolution, int tokenLimit, boolean training) {

  /** What Stable Diffusion 1.x was trained at. */
  public static final int USUAL_RESOLUTION = 512;
}
