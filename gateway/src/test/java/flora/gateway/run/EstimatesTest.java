package flora.gateway.run;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestReader;
import flora.schemas.request.TrainingPlan;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EstimatesTest {

  private static final Sha256 VERSION = Sha256.sum(new byte[] {7});

  private static TrainingPlan.StableDiffusionLora plan(String train) {
    var request =
        "{base_model: a/b, train_data_dir: ./data/mine, dataset: {label: {labeler: none}}, %s}"
            .formatted(train);
    return (TrainingPlan.StableDiffusionLora)
        RequestReader.read(request.getBytes(StandardCharsets.UTF_8), ContentKind.YAML)
            .request()
            .train();
  }

  private static DatasetManifest pictures(Object... nameWidthHeight) {
    var images = new ArrayList<Image>();
    for (int i = 0; i < nameWidthHeight.length; i += 3) {
      var name = (String) nameWidthHeight[i];
      images.add(
          new Image(
              name,
              Sha256.sum(name.getBytes(StandardCharsets.UTF_8)),
              10,
              (int) nameWidthHeight[i + 1],
              (int) nameWidthHeight[i + 2],
              "a text",
              "user"));
    }
    return new DatasetManifest("mine", images, List.of(), null);
  }

  private static final DatasetManifest MIXED =
      pictures(
          "a.png", 1000, 1000, "b.png", 1000, 1000, "c.png", 1000, 1000, "3_me/d.png", 1500, 1000);

  @Test
  void countsBatchesOfOneSizeAsTheyAreTrained() {
    var plan =
        plan(
            "resolution: 512, enable_bucket: true, batch_size: 2, gradient_accumulation_steps: 3,"
                + " epochs: 5, repeats: 2");

    var found = Estimates.of(plan, VERSION, MIXED);

    assertThat(found.pictures()).isEqualTo(4);
    assertThat(found.samples()).isEqualTo(12);
    assertThat(found.buckets())
        .containsExactly(new Estimates.Cut(512, 512, 6), new Estimates.Cut(640, 384, 6));
    // three batches of each size, six to an epoch, three to a step
    assertThat(found.steps()).isEqualTo(10);
    assertThat(found.epochs()).isEqualTo(5);
    assertThat(found.batchSize()).isEqualTo(2);
    assertThat(found.seconds()).isNull();
    assertThat(found.problem()).isNull();
  }

  @Test
  void stepsThatAreGivenTellTheEpochs() {
    var found = Estimates.of(plan("batch_size: 1, max_train_steps: 13"), VERSION, MIXED);

    assertThat(found.steps()).isEqualTo(13);
    assertThat(found.samples()).isEqualTo(6);
    assertThat(found.epochs()).isEqualTo(3);
  }

  @Test
  void whatIsHeldOutIsNotTrainedOn() {
    var found =
        Estimates.of(
            plan("batch_size: 1, max_train_steps: 8, validation_split: 0.5, enable_bucket: false"),
            VERSION,
            pictures("a.png", 64, 64, "b.png", 64, 64, "c.png", 64, 64, "d.png", 64, 64));

    assertThat(found.pictures()).isEqualTo(2);
    assertThat(found.buckets()).containsExactly(new Estimates.Cut(512, 512, 2));
    assertThat(found.epochs()).isEqualTo(4);
  }

  @Test
  void namesAPictureThatFitsNoBucket() {
    var found =
        Estimates.of(
            plan("enable_bucket: true, bucket_no_upscale: true, max_train_steps: 8"),
            VERSION,
            pictures("tiny.png", 20, 900));

    assertThat(found.problem()).contains("tiny.png", "bucket_no_upscale");
  }

  @Test
  void withoutAVersionOnlyWhatTheRequestSaysIsKnown() {
    var found = Estimates.of(plan("epochs: 5, batch_size: 3"));

    assertThat(found.batchSize()).isEqualTo(3);
    assertThat(found.steps()).isNull();
    assertThat(found.pictures()).isNull();
    assertThat(found.buckets()).isEmpty();
  }
}
