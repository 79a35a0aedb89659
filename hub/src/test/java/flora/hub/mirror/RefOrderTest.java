package flora.hub.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Ref;
import flora.hub.archive.Verified;
import flora.schemas.store.StoreLayout;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which of several runs, each with a list of its own, says what a branch stands for. */
class RefOrderTest {

  private final Rig rig = new Rig();
  private final Mirrors mirrors = rig.mirrors(rig.origin.endpoint());
  private final Archive archive = new Archive(rig.store);
  private final String old = rig.repo.commitOf("main");

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  private Located list() throws InterruptedException {
    rig.clock.add(Duration.ofSeconds(1));
    return rig.locate(mirrors, "true");
  }

  /** The hub's branch moves on. */
  private String move() {
    rig.repo.file(Rig.INDEX, "{\"_class_name\":\"Y\"}").commit("main");
    return rig.repo.commitOf("main");
  }

  private void publish(Located located) {
    var weights = Rig.file(located, Rig.WEIGHTS);
    var sha256 = weights.sha256();
    assertThat(sha256).isNotNull();
    var verified = new Verified(sha256, weights.size(), "lfs-sha256", "hub", Instant.EPOCH);
    archive.publish(located, Map.of(weights, verified), Map.of());
  }

  private String main() {
    return archive.ref(RepoType.MODEL, Rig.TINY, "main").map(Ref::commit).orElse("nothing");
  }

  @Test
  void aSlowerRunDoesNotTakeABranchBack() throws Exception {
    publish(list());
    var slow = list();
    var moved = move();
    publish(list());

    publish(slow);

    assertThat(main()).isEqualTo(moved);
    assertThat(archive.manifest(RepoType.MODEL, Rig.TINY, old)).isPresent();
  }

  @Test
  void aSlowerRunDoesNotTakeABranchBackThatItSawUnknown() throws Exception {
    var slow = list();
    var moved = move();
    publish(list());

    publish(slow);

    assertThat(main()).isEqualTo(moved);
  }

  @Test
  void theLaterListCountsThoughAnEarlierOneCameBetween() throws Exception {
    var earlier = list();
    var moved = move();
    var later = list();
    publish(earlier);

    publish(later);

    assertThat(main()).isEqualTo(moved);
  }

  @Test
  void aBranchThatWasSetBackOnTheHubIsSetBackHere() throws Exception {
    move();
    publish(list());
    rig.repo.file(Rig.INDEX, "{\"_class_name\":\"X\"}").commit("main");

    publish(list());

    assertThat(main()).isEqualTo(old);
  }

  @Test
  void nobodysClockMattersWhereNobodyCameBetween() throws Exception {
    rig.clock.add(Duration.ofDays(1));
    publish(list());
    rig.clock.add(Duration.ofDays(-1));
    var moved = move();

    publish(list());

    assertThat(main()).isEqualTo(moved);
  }

  @Test
  void whatTheStoreItselfSaidTakesNothingBack() throws Exception {
    publish(list());
    var offline =
        rig.locate(
            rig.mirrors(
                HubSettings.of(rig.origin.endpoint()),
                new MirrorProperties(
                    List.of(), false, true, Map.of(), Duration.ZERO, "a/b", 1, 1, 1)),
            "true");
    var moved = move();
    publish(list());

    publish(offline);

    assertThat(main()).isEqualTo(moved);
  }

  @Test
  void aBranchThatWasCleanedUpMeanwhileIsThereAgain() throws Exception {
    publish(list());
    var listed = list();
    rig.store.delete(StoreLayout.MODELS, StoreLayout.ref("models/flora/tiny/", "main"));

    publish(listed);

    assertThat(main()).isEqualTo(old);
  }
}
