package flora.tensors.pickle;

import static flora.tensors.pickle.BytesInMemory.convert;
import static flora.tensors.pickle.BytesInMemory.path;
import static flora.tensors.pickle.BytesInMemory.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.tensors.SafetensorsFile;
import flora.tensors.pickle.PickleException.ForbiddenGlobal;
import flora.tensors.pickle.PickleException.NoTensors;
import flora.tensors.pickle.PickleException.Unsupported;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files of PyTorch itself (tools/parity/make_pickles.py) give the tensors that the reference
 * library wrote beside them.
 */
class PickledCheckpointTest {

  @TempDir Path folder;

  private static void compare(Path actual, Path expected) {
    try (var ours = SafetensorsFile.open(actual);
        var theirs = SafetensorsFile.open(expected)) {
      assertThat(ours.tensors().keySet()).containsExactlyElementsOf(theirs.tensors().keySet());
      for (var name : theirs.tensors().keySet()) {
        assertThat(ours.info(name)).isEqualTo(theirs.info(name));
        assertThat(ours.data(name).mismatch(theirs.data(name))).as(name).isEqualTo(-1);
      }
      assertThat(ours.metadata()).containsExactlyEntriesOf(java.util.Map.of("format", "pt"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "zip1.bin, values",
    "zip2.bin, values",
    "zip3.bin, values",
    "zip4.bin, values",
    "zip5.bin, values",
    "legacy2.bin, values",
    "legacy4.bin, values",
    "views.bin, views",
    "wide.bin, wide"
  })
  void givesEveryTensorBitForBit(String file, String expected) throws IOException {
    Path converted = folder.resolve("x.safetensors");
    PickledCheckpoint.open(file, ByteSource.file(path(file))).toSafetensors().writeTo(converted);

    compare(converted, path(expected + ".safetensors"));
  }

  @Test
  void writesAModelOfTransformersWithItsTiedWeights() throws IOException {
    Path converted = folder.resolve("x.safetensors");
    PickledCheckpoint.open("tiny-opt.bin", ByteSource.file(path("tiny-opt.bin")))
        .toSafetensors()
        .writeTo(converted);

    try (var ours = SafetensorsFile.open(converted);
        var theirs = SafetensorsFile.open(path("tiny-opt.safetensors"))) {
      for (var name : theirs.tensors().keySet()) {
        assertThat(ours.info(name).shape()).isEqualTo(theirs.info(name).shape());
        assertThat(ours.data(name).mismatch(theirs.data(name))).as(name).isEqualTo(-1);
      }
      // transformers leaves a tied tensor out of safetensors; the pickle has it under both keys
      assertThat(ours.tensors()).hasSize(theirs.tensors().size() + 1);
      var tied = ours.data("lm_head.weight");
      assertThat(tied.mismatch(ours.data("model.decoder.embed_tokens.weight"))).isEqualTo(-1);
    }
  }

  @Test
  void theSamePickleGivesTheSameBytes() {
    assertThat(convert(resource("zip2.bin"))).isEqualTo(convert(resource("zip2.bin")));
    assertThat(convert(resource("zip2.bin"))).isEqualTo(convert(resource("legacy4.bin")));
  }

  @Test
  void takesTheStateDictOfATrainingCheckpointAndListsTheRest() throws IOException {
    var checkpoint = PickledCheckpoint.open("trained.ckpt", ByteSource.file(path("trained.ckpt")));
    Path converted = folder.resolve("x.safetensors");
    checkpoint.toSafetensors().writeTo(converted);

    compare(converted, path("trained.safetensors"));
    assertThat(checkpoint.skipped())
        .containsExactly(
            "epoch (a whole number)",
            "global_step (a whole number)",
            "pytorch-lightning_version (a text)",
            "best (a float)",
            "done (a truth value)",
            "nothing (None)",
            "raw (bytes)",
            "betas (a tuple)",
            "optimizer_states (a list)",
            "extra (a dict)");
  }

  @Test
  void refusesATorchScriptProgram() {
    assertThatThrownBy(() -> convert(resource("script.pt")))
        .isInstanceOf(Unsupported.class)
        .hasMessageContainingAll("x.bin", "TorchScript", "choose a revision with .safetensors");
  }

  @Test
  void refusesAWholeModuleAndNamesItsClass() {
    assertThatThrownBy(() -> convert(resource("module.bin")))
        .isInstanceOf(ForbiddenGlobal.class)
        .hasMessageContainingAll(
            "x.bin", "torch.nn.modules.container.Sequential", "torch.save(model.state_dict()");
  }

  @Test
  void refusesAPickleOfSomethingElse() {
    assertThatThrownBy(() -> convert(new Pickles().proto(2).op(']').stop().legacy()))
        .isInstanceOf(NoTensors.class)
        .hasMessageContaining("it holds a list");
    assertThatThrownBy(
            () ->
                convert(
                    new Pickles().proto(2).op('}').text("a").op('K', 1).op('s').stop().legacy()))
        .isInstanceOf(NoTensors.class)
        .hasMessageContaining("only a (a whole number)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-opt.bin", "legacy2.bin"})
  void asksForSmallTensorsTogether(String file) throws IOException {
    var source = new BytesInMemory(resource(file));
    var checkpoint = PickledCheckpoint.open(file, source);
    assertThat(source.requests).isLessThanOrEqualTo(10);
    checkpoint.toSafetensors().writeTo(OutputStream.nullOutputStream());

    // out of order ones have a window of their own
    assertThat(source.requests).isLessThanOrEqualTo(20);
  }

  @Test
  void gathersAMatrixOfManyBlocksInOrder() throws IOException {
    int rows = 3000;
    int columns = 1500;
    var data =
        java.nio.ByteBuffer.allocate(rows * columns * 4).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < rows * columns; i++) {
      data.putInt(i);
    }
    var pickle = new Pickles().proto(2).op('}').text("w");
    pickle.tensor(
        "IntStorage", "0", rows * columns, 0, new long[] {columns, rows}, new long[] {1, columns});
    byte[] file = pickle.op('s').stop().legacy("0", rows * columns, data.array());
    Path pickled = Files.write(folder.resolve("x.bin"), file);
    Path converted = folder.resolve("x.safetensors");

    PickledCheckpoint.open("x.bin", ByteSource.file(pickled)).toSafetensors().writeTo(converted);

    try (var safetensors = SafetensorsFile.open(converted)) {
      assertThat(safetensors.info("w").shape()).containsExactly((long) columns, (long) rows);
      int[] values =
          safetensors
              .data("w")
              .toArray(
                  java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED.withOrder(
                      java.nio.ByteOrder.LITTLE_ENDIAN));
      for (int i = 0; i < values.length; i++) {
        int column = i / rows;
        int row = i % rows;
        if (values[i] != row * columns + column) {
          throw new AssertionError("element " + i + " is " + values[i]);
        }
      }
    }
  }
}
