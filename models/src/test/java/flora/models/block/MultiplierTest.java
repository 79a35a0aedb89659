package flora.models.block;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Scope;
import flora.models.random.RandomStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MultiplierTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "AuthenticAMD, fpu avx2 fma avx512f avx512bw, ONEDNN",
    "AuthenticAMD, fpu avx2 fma, MKL",
    "GenuineIntel, fpu avx2 fma avx512f, MKL"
  })
  void theProcessorDecides(String vendor, String flags, Multiplier expected) throws IOException {
    var text = "processor\t: 0\nvendor_id\t: %s\nflags\t\t: %s\n\n".formatted(vendor, flags);
    assertThat(Multiplier.of(Files.writeString(folder.resolve("cpuinfo"), text)))
        .isEqualTo(expected);
  }

  @Test
  void whereNobodySaysItIsTheUsualOne() {
    assertThat(Multiplier.of(folder.resolve("not-there"))).isEqualTo(Multiplier.MKL);
    assertThat(Multiplier.MKL.prefersPixels(1_000_000)).isFalse();
    assertThat(Multiplier.ONEDNN.prefersPixels(1_000_000)).isTrue();
    assertThat(Multiplier.ONEDNN.prefersPixels(16)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"1, 77", "3, 40", "2, 1"})
  void pixelsAreTheSameProductForwardsAndBackwards(long samples, long tokens) {
    try (var _ = new Scope()) {
      NDArray w = normal("w", 24, 40);
      NDArray b = normal("b", 24);
      NDArray upstream = normal("up", samples, tokens, 24);
      NDArray x = normal("x", samples, tokens, 40);

      var plain = productAndGradient(x, upstream, of -> Aten.linear(of, w, b));
      var pixels = productAndGradient(x, upstream, of -> Aten.linearPixels(of, w, b));

      for (int i = 0; i < 2; i++) {
        assertThat(pixels.get(i).getShape()).isEqualTo(plain.get(i).getShape());
        assertThat(Aten.mse(pixels.get(i), plain.get(i)).getFloat()).isLessThan(1e-10f);
      }
    }
  }

  private static List<NDArray> productAndGradient(
      NDArray x, NDArray upstream, UnaryOperator<NDArray> product) {
    try (var _ = Autograd.record()) {
      NDArray leaf = Autograd.parameter(Aten.copy(x));
      NDArray y = product.apply(leaf);
      return List.of(
          Aten.detach(y),
          Autograd.gradients(List.of(y), List.of(upstream), List.of(leaf)).getFirst());
    }
  }

  private static NDArray normal(String what, long... shape) {
    long count = 1;
    for (long side : shape) {
      count *= side;
    }
    return Aten.of(RandomStream.of(1, what).normal(0, 0, Math.toIntExact(count)), shape);
  }
}
