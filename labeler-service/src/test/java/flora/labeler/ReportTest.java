package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.labeler.image.DatasetException;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.RunRequest;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a labelling finds out about its dataset, and whether a training may follow. */
class ReportTest {

  private static final String TRAINING =
      """
      {name: shapes, model: {base_model: some/sd}, train: {resolution: 64, max_train_steps: 1},
       dataset: {name: shapes, label: {labeler: none}}}
      """;

  @TempDir Path folder;
  private LabelerRig rig;

  @BeforeEach
  void start() {
    rig = new LabelerRig(new MemoryObjectStore(Clock.systemUTC()), folder);
  }

  private DatasetReport report(String key) {
    return Json.read(rig.bytes(key), DatasetReport.class);
  }

  @Test
  void everyLabellingLeavesAReportInItsVersion() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "copy.png", resource("shapes/00.png"))
        .drop("shapes", "1.png", resource("shapes/01.png"))
        .drop("shapes", "broken.png", "no picture")
        .drop("shapes", "metadata.csv", "file_name,text\n1.png,NA\ngone.png,a ghost\n");

    var completed = rig.run(COLOURS_AND_SHAPES);

    var reference = completed.report();
    assertThat(reference).isNotNull();
    assertThat(reference.key())
        .isEqualTo(StoreLayout.datasetVersion("shapes", completed.version(), "report.json"));
    assertThat(reference.sha256()).isEqualTo(Sha256.sum(rig.bytes(reference.key())));
    var report = report(reference.key());
    assertThat(report.version()).isEqualTo(completed.version());
    assertThat(report.images()).isEqualTo(3);
    assertThat(report.rejected()).isEqualTo(1);
    assertThat(report.duplicatesExact()).isEqualTo(1);
    assertThat(report.resolution()).isEqualTo(512);
    assertThat(report.findings())
        .extracting(Finding::code)
        .contains(
            "unreadable",
            "missing_file",
            "duplicate",
            "caption_pandas_null",
            "resolution_all_small");
    assertThat(report.hasErrors()).isFalse();
    assertThat(completed.warnings()).isNull();
  }

  @Test
  void aTrainingDoesNotFollowWhereACaptionIsMissing() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "0.txt", "a drawing")
        .drop("shapes", "1.png", resource("shapes/01.png"));
    var request = LabelerRig.request(TRAINING);

    var refusal =
        catchThrowableOfType(
            DatasetException.Invalid.class,
            () -> rig.run(request, new LabelerRig.Context(rig.head(), Integer.MAX_VALUE)));

    assertThat(refusal.code()).isEqualTo(ErrorCode.DATASET_INVALID);
    assertThat(refusal).hasMessageContaining("1 pictures came without a caption");
    assertThat(refusal.hint()).contains("/v1/datasets/shapes/report");
    // the version is there all the same, and its report says more
    var latest = rig.latest("shapes").orElseThrow();
    var report = report(StoreLayout.datasetVersion("shapes", latest.version(), "report.json"));
    assertThat(report.resolution()).isEqualTo(64);
    assertThat(report.findings().getFirst().severity()).isEqualTo(Severity.ERROR);
    assertThat(report.findings().getFirst().examples()).containsExactly("1.png");
  }

  @Test
  void warningsDoNotStopATraining() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "0.txt", "a drawing")
        .drop("shapes", "copy.png", resource("shapes/00.png"))
        .drop("shapes", "copy.txt", "the same drawing");

    var completed =
        rig.run(
            LabelerRig.request(TRAINING), new LabelerRig.Context(rig.head(), Integer.MAX_VALUE));

    assertThat(completed.rows()).isEqualTo(2);
    assertThat(report(completed.report().key()).findings())
        .extracting(Finding::code)
        .contains("duplicate");
  }

  @Test
  void aLookMakesAReportAndNothingElse() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "0.txt", "a drawing")
        .drop("shapes", "1.png", resource("shapes/01.png"))
        .drop("shapes", "2.png", "no picture");

    var completed = look(COLOURS_AND_SHAPES);

    assertThat(completed.version()).isNull();
    assertThat(completed.manifest()).isNull();
    assertThat(rig.latest("shapes")).isEmpty();
    assertThat(rig.keys("datasets/shapes/")).containsExactly(completed.report().key());
    assertThat(rig.captioned()).isZero();
    var report = report(completed.report().key());
    assertThat(completed.report().key())
        .isEqualTo(StoreLayout.datasetReport("shapes", report.listing()));
    assertThat(report.images()).isEqualTo(2);
    assertThat(report.findings())
        .extracting(Finding::code)
        .contains("unreadable")
        .doesNotContain("missing_caption", "caption_pandas_null");

    var report2 = report(look(TRAINING).report().key());
    assertThat(report2.findings()).extracting(Finding::code).contains("missing_caption");
  }

  private LabelEvent.Completed look(String yaml) throws InterruptedException {
    var label = LabelerRig.request(yaml).dataset().label();
    var request =
        new RunRequest("look", null, new DatasetSource("shapes", null, label, true), null);
    return rig.run(request, new LabelerRig.Context(rig.head(), Integer.MAX_VALUE));
  }

  @Test
  void captionsAreCountedAsTheLabelModelCountsThem() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "0.txt", "red circle ".repeat(50).strip())
        .drop("shapes", "1.png", resource("shapes/01.png"))
        .drop("shapes", "1.txt", "red circle");

    var report = report(rig.run(COLOURS_AND_SHAPES).report().key());

    assertThat(report.findings())
        .filteredOn(finding -> finding.code().equals("caption_too_long"))
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.examples()).singleElement().asString().startsWith("0.png ("));
  }
}
