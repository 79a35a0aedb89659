package flora.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.gateway.error.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpRangeTest {

  @ParameterizedTest
  @CsvSource({
    "bytes=0-0,0,0",
    "bytes=5-,5,9",
    "bytes=-3,7,9",
    "bytes=-30,0,9",
    "bytes=2-99,2,9",
    "bytes = 1 - 2,1,2"
  })
  void readsOnePart(String header, long first, long last) {
    assertThat(HttpRange.of(header, 10)).contains(new HttpRange(first, last));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b"})
  void ignoresWhatItDoesNotUnderstand(String header) {
    assertThat(HttpRange.of(header, 10)).isEmpty();
  }

  @Test
  void refusesAPartBehindTheEnd() {
    assertThatThrownBy(() -> HttpRange.of("bytes=10-", 10))
        .isInstanceOf(Refusal.RangeUnsatisfiable.class);
    assertThatThrownBy(() -> HttpRange.of("bytes=-0", 10))
        .isInstanceOf(Refusal.RangeUnsatisfiable.class);
  }
}
