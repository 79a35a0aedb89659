package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.RUN;
import static flora.labeler.LabelerRig.request;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.labeler.work.Shard;
import flora.schemas.label.LabelEvent;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.LabelShard;
import flora.stage.StageContext;
import flora.store.Claim;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A labelling in parts: who does them, and what becomes of a part whose worker dies. */
@Timeout(60)
class SharedLabellingTest {

  private static final int SIZE = 4;

  @TempDir Path folder;
  private MemoryObjectStore store;
  private LabelerRig rig;

  @BeforeEach
  void start() {
    store = new MemoryObjectStore(Clock.systemUTC());
    rig = new LabelerRig(store, folder, Clock.systemUTC(), SIZE);
    for (int i = 0; i < 14; i++) {
      var name = "%02d.png".formatted(i);
      rig.drop("shapes", name, resource("shapes/" + name));
    }
  }

  @Test
  void theHolderOfTheRunDoesAllPartsWhenNobodyElseDoes() throws Exception {
    rig.drop("shapes", "zz.png", "broken");
    var context = rig.context();

    var completed = rig.run(request(COLOURS_AND_SHAPES), context);

    assertThat(rig.told).extracting(LabelShard::shard).containsExactly(0, 1, 2, 3);
    assertThat(completed.rows()).isEqualTo(14);
    assertThat(completed.rejected()).isEqualTo(1);
    assertThat(context.events(LabelEvent.Progressed.class))
        .extracting(LabelEvent.Progressed::done)
        .isSorted()
        .last()
        .isEqualTo(15L);
    var alone = new LabelerRig(store, folder.resolve("alone"));
    assertThat(alone.run(COLOURS_AND_SHAPES).version()).isEqualTo(completed.version());
  }

  @Test
  void anAttemptGoesOnWithWhatTheOneBeforeHasDone() throws Exception {
    var other = new MemoryObjectStore(Clock.systemUTC());
    var undisturbed = new LabelerRig(other, folder.resolve("other"), Clock.systemUTC(), SIZE);
    for (int i = 0; i < 14; i++) {
      var name = "%02d.png".formatted(i);
      undisturbed.drop("shapes", name, resource("shapes/" + name));
    }
    var whole = undisturbed.context();
    var expected = undisturbed.run(request(COLOURS_AND_SHAPES), whole).version();

    assertThatThrownBy(
            () ->
                rig.run(
                    request(COLOURS_AND_SHAPES),
                    rig.contextThatDiesAt(whole.asked() - 14 - SIZE - 6)))
        .isInstanceOf(StageContext.LeaseLost.class);
    int done = Shard.allDone(store, RUN).size();
    assertThat(done).isBetween(1, 3);
    int before = rig.captioned();
    rig.drop("shapes", "late.png", resource("shapes/40.png"));

    var context = rig.context();
    var completed = rig.run(request(COLOURS_AND_SHAPES), context);

    assertThat(context.events(LabelEvent.Started.class))
        .singleElement()
        .satisfies(started -> assertThat(started.total()).isEqualTo(14));
    // what came late belongs to the next version; what was done is not done again
    assertThat(completed.version()).isEqualTo(expected);
    assertThat(rig.captioned()).isLessThanOrEqualTo(14 - SIZE * (done - 1)).isLessThan(14);
    assertThat(before).isGreaterThanOrEqualTo(SIZE * (done - 1));
  }

  @Test
  void aPartThatSomebodyHasIsWaitedForUntilTheyAreSilentTooLong() throws Exception {
    var claim =
        Claim.take(
            store,
            Clock.systemUTC(),
            StoreLayout.RUNS,
            StoreLayout.labelShardClaim(RUN, 1),
            "somebody",
            Duration.ofSeconds(3));
    assertThat(claim).isPresent();

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(completed.rows()).isEqualTo(14);
    assertThat(new Shard(store, RUN, 1).done().orElseThrow().by()).isEqualTo("rig");
    assertThat(rig.captioned()).isEqualTo(14);
  }
}
