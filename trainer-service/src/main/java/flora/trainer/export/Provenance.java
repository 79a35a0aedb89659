package flora.trainer.export;

import flora.schemas.Sha256;
import flora.schemas.request.TrainingPlan;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where an adapter comes from, as far as it may stand in its files: no clock, no host, no run id,
 * so that the same training gives the same bytes.
 *
 * @param name of the adapter
 * @param baseModel the repository that was adapted
 * @param baseCommit its commit
 * @param baseWeights digest of the adapted network's weight file, or of the file with all networks
 * @param baseVersion kohya's name of the model family, such as {@code sd_v1}
 * @param predictionType {@code epsilon} or {@code v_prediction}
 * @param dataset its name
 * @param datasetVersion its version
 * @param pictures in the dataset version
 * @param plan how it was trained
 * @param steps optimizer steps in all
 * @param epochs passes over the dataset that were begun
 * @param shown the pictures
 */
public record Provenance(
    String name,
    String baseModel,
    @Nullable String baseCommit,
    Sha256 baseWeights,
    String baseVersion,
    String predictionType,
    String dataset,
    Sha256 datasetVersion,
    long pictures,
    TrainingPlan.StableDiffusionLora plan,
    long steps,
    long epochs,
    Shown shown) {

  /** Of pictures of which nothing is told. */
  public Provenance(
      String name,
      String baseModel,
      @Nullable String baseCommit,
      Sha256 baseWeights,
      String baseVersion,
      String predictionType,
      String dataset,
      Sha256 datasetVersion,
      long pictures,
      TrainingPlan.StableDiffusionLora plan,
      long steps,
      long epochs) {
    this(
        name,
        baseModel,
        baseCommit,
        baseWeights,
        baseVersion,
        predictionType,
        dataset,
        datasetVersion,
        pictures,
        plan,
        steps,
        epochs,
        Shown.NOTHING);
  }

  /** What every file says of its origin. */
  SortedMap<String, String> metadata() {
    var metadata = new TreeMap<String, String>();
    metadata.put("format", "pt");
    metadata.put("flora.base_model", baseModel);
    if (baseCommit != null) {
      metadata.put("flora.base_model_commit", baseCommit);
    }
    metadata.put("flora.base_model_sha256", baseWeights.hex());
    metadata.put("flora.dataset", dataset);
    metadata.put("flora.dataset_version", datasetVersion.hex());
    return metadata;
  }

  /** The same training, stopped after that many steps. */
  public Provenance at(long fewerSteps) {
    return new Provenance(
        name,
        baseModel,
        baseCommit,
        baseWeights,
        baseVersion,
        predictionType,
        dataset,
        datasetVersion,
        pictures,
        plan,
        fewerSteps,
        epochs,
        shown);
  }
}
