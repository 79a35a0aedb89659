package flora.hub.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import flora.schemas.Routing;
import flora.schemas.Stage;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import org.junit.jupiter.api.Test;

class WantedRepoTest {

  @Test
  void aLabellingWithTwoModelsWantsBoth() {
    var request = request(Labeler.BLIP_AND_CLIP, "a/clip", "b/blip@v1", false);

    assertThat(WantedRepo.of(request))
        .extracting(WantedRepo::role, WantedRepo::pointer, w -> w.reference().repo().toString())
        .containsExactly(
            tuple(RepoRole.LABEL_MODEL, "/dataset/label/model", "a/clip"),
            tuple(RepoRole.CAPTION_MODEL, "/dataset/label/caption_model", "b/blip"));
    assertThat(Routing.stages(request)).containsExactly(Stage.FETCH, Stage.LABEL);
  }

  @Test
  void aLookAtTheDatasetWantsNoModel() {
    var request = request(Labeler.BLIP_AND_CLIP, "a/clip", "b/blip", true);

    assertThat(WantedRepo.of(request)).isEmpty();
    assertThat(Routing.stages(request)).containsExactly(Stage.LABEL);
  }

  private static RunRequest request(
      Labeler labeler, String model, String captionModel, boolean checkOnly) {
    var o = RequestReader.dropped("x").request().dataset().label();
    var options =
        new LabelOptions(
            labeler,
            model,
            captionModel,
            o.kinds(),
            o.mode(),
            o.templates(),
            o.threshold(),
            o.topK(),
            o.rules(),
            o.generation(),
            o.precision(),
            o.target(),
            o.animated(),
            o.sidecars());
    return new RunRequest("x", null, new DatasetSource("x", null, options, checkOnly), null);
  }
}
