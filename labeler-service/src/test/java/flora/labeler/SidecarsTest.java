package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.label.LabelEvent;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts beside pictures, in a version. */
class SidecarsTest {

  private static final String WITH = COLOURS_AND_SHAPES.replace("top_k", "sidecars: true, top_k");

  @TempDir Path folder;
  private ObjectStore store;
  private LabelerRig rig;

  @BeforeEach
  void start() {
    store = new MemoryObjectStore(Clock.systemUTC());
    rig = new LabelerRig(store, folder);
  }

  @Test
  void eachPictureHasATextThatIsNamedAsItIs() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "a.b/1.PNG", resource("shapes/01.png"))
        .drop("shapes", "2.png", resource("shapes/02.png"))
        .drop("shapes", "2.txt", "mine, with \"quotes\"")
        .drop("shapes", "broken.png", "no picture");

    var completed = rig.run(WITH);

    assertThat(texts(completed))
        .containsOnly(
            Map.entry("0.txt", "red circle\n"),
            Map.entry("2.txt", "mine, with \"quotes\"\n"),
            Map.entry("a.b/1.txt", text(completed, "a.b/1.PNG") + "\n"));
    assertThat(completed.warnings()).isNull();
  }

  @Test
  void noneAreWrittenUnlessAskedForAndLaterTheyJoinTheVersionThatIsThere() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"));
    var without = rig.run(COLOURS_AND_SHAPES);
    assertThat(texts(without)).isEmpty();

    var with = rig.run(WITH);

    assertThat(with.version()).isEqualTo(without.version());
    assertThat(texts(with)).containsOnlyKeys("0.txt");
  }

  @Test
  void ofTwoPicturesThatDifferByTheirEndingNeitherLosesItsTextAndItIsSaid() throws Exception {
    rig.drop("shapes", "a.gif", resource("shapes/00.png"))
        .drop("shapes", "a.png", resource("shapes/01.png"))
        .drop("shapes", "metadata.csv", "file_name,text\na.png,a person's words\n");

    var completed = rig.run(WITH);

    assertThat(texts(completed))
        .containsOnly(
            Map.entry("a.txt", text(completed, "a.gif") + "\n"),
            Map.entry("a.png.txt", "a person's words\n"));
    assertThat(completed.warnings())
        .singleElement()
        .asString()
        .startsWith("1 pictures have a name");
    assertThat(report(completed).findings())
        .filteredOn(each -> each.code().equals("sidecar_name_shared"))
        .singleElement()
        .extracting(Finding::examples)
        .asString()
        .contains("a.png (a.png.txt)");
    assertThat(report(rig.run(COLOURS_AND_SHAPES)).findings())
        .as("nothing of names where no texts are asked for")
        .noneMatch(each -> each.code().equals("sidecar_name_shared"));
  }

  @Test
  void aPictureWithoutACaptionHasNoText() throws Exception {
    rig.drop("shapes", "0.png", resource("shapes/00.png"))
        .drop("shapes", "1.png", resource("shapes/01.png"))
        .drop("shapes", "1.txt", "mine");

    var completed = rig.run("dataset: {name: shapes, label: {labeler: none, sidecars: true}}");

    assertThat(texts(completed)).containsExactly(Map.entry("1.txt", "mine\n"));
  }

  private Map<String, String> texts(LabelEvent.Completed completed) {
    var prefix = StoreLayout.datasetVersion("shapes", completed.version(), "captions/");
    try (var files = store.list(StoreLayout.DATASETS, prefix)) {
      return files.collect(
          Collectors.toMap(
              file -> file.key().substring(prefix.length()),
              file -> new String(rig.bytes(file.key()), StandardCharsets.UTF_8)));
    }
  }

  private String text(LabelEvent.Completed completed, String picture) {
    return rig.manifest(completed).images().stream()
        .filter(image -> image.fileName().equals(picture))
        .findFirst()
        .orElseThrow()
        .text();
  }

  private DatasetReport report(LabelEvent.Completed completed) {
    return Json.read(rig.bytes(completed.report().key()), DatasetReport.class);
  }
}
