package flora.standalone.client;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.RunId;
import flora.schemas.fetch.FetchEvent;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class FetchDetailsTest {

  @Test
  void saysWhoGivesHowMuchAndWhatHoldsItUp() {
    var lines =
        FetchDetails.lines(
            new FetchEvent.Progressed(
                RunId.of("x"),
                1,
                1,
                Instant.EPOCH,
                400,
                1000,
                90,
                100,
                7L,
                FetchEvent.Bottleneck.SOURCE,
                List.of(
                    new FetchEvent.SourceShare("hub", 300, 60_000_000, 16),
                    new FetchEvent.SourceShare("near", 100, 30_000_000, 1))));

    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).contains("hub").contains("75 %").contains("60 MB/s over 16");
    assertThat(lines.get(1)).contains("near").contains("25 %").endsWith("over 1 connection");
    assertThat(lines.get(2)).contains("90 % of the link").contains("held up by the source");
  }

  @Test
  void saysNothingOfWhatIsNotKnown() {
    var progress =
        new FetchEvent.Progressed(
            RunId.of("x"), 1, 1, Instant.EPOCH, 0, 0, 0, 0, null, null, List.of());

    assertThat(FetchDetails.lines(progress)).isEmpty();
  }
}
