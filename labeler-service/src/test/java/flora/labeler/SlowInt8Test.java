package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;

import flora.models.weights.Int8Units;
import flora.schemas.label.LabelEvent;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who asks for int8 on a processor that is slow at it is told so before anything is computed. */
class SlowInt8Test {

  private static final String INT8 = COLOURS_AND_SHAPES.replace("top_k", "precision: int8, top_k");

  @TempDir Path folder;
  private LabelerRig rig;

  @BeforeEach
  void start() {
    rig = new LabelerRig(new MemoryObjectStore(Clock.systemUTC()), folder);
    rig.drop("shapes", "0.png", resource("shapes/00.png"));
  }

  @Test
  void isToldWhenTheRunStarts() throws Exception {
    assertThat(warnings(Int8Units.MISSING, INT8))
        .singleElement()
        .asString()
        .contains("slower than fp32", "VNNI", "Say precision: fp32");
  }

  @ParameterizedTest
  @EnumSource(names = "MISSING", mode = EnumSource.Mode.EXCLUDE)
  void nobodyIsToldWhereItIsFastOrUnknown(Int8Units int8) throws Exception {
    assertThat(warnings(int8, INT8)).isNull();
  }

  @Test
  void nobodyIsToldWhoDoesNotComputeInInt8() throws Exception {
    assertThat(warnings(Int8Units.MISSING, COLOURS_AND_SHAPES)).isNull();
    assertThat(warnings(Int8Units.MISSING, INT8.replace("{name:", "{check_only: true, name:")))
        .isNull();
  }

  private @Nullable List<String> warnings(Int8Units int8, String yaml) throws Exception {
    var context = rig.context();
    rig.on(int8).run(LabelerRig.request(yaml), context);
    return context.events(LabelEvent.Started.class).getFirst().warnings();
  }
}
