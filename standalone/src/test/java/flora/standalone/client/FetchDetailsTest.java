package flora.standalone.client;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.RepoId;
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
    assertThat(FetchDetails.summary(progress)).isEmpty();
  }

  @Test
  void saysTheSameInOneLine() {
    var progress =
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
            FetchEvent.Bottleneck.LINK,
            List.of(
                new FetchEvent.SourceShare("hub", 300, 60_000_000, 16),
                new FetchEvent.SourceShare("idle", 0, 0, 0),
                new FetchEvent.SourceShare("near", 100, 30_000_000, 1)));

    assertThat(FetchDetails.summary(progress))
        .isEqualTo("  (hub 75 %, near 25 %; 90 % of the link, held up by the link)");
  }

  @Test
  void tellsWhatHappenedOnTheWay() {
    var repo = new RepoId("some/model");

    assertThat(
            FetchDetails.notice(
                new FetchEvent.MirrorSwitched(
                    RunId.of("x"),
                    1,
                    1,
                    Instant.EPOCH,
                    repo,
                    "a.bin",
                    "near",
                    "hub",
                    "it is gone")))
        .hasValueSatisfying(t -> assertThat(t).contains("near", "hub", "a.bin", "it is gone"));
    assertThat(
            FetchDetails.notice(
                new FetchEvent.ChecksumMismatched(
                    RunId.of("x"),
                    1,
                    1,
                    Instant.EPOCH,
                    repo,
                    "a.bin",
                    "near",
                    "sha256 " + "a".repeat(64),
                    "sha256 " + "b".repeat(64))))
        .hasValueSatisfying(
            t ->
                assertThat(t).contains("near", "a.bin", "a".repeat(12) + "…").hasSizeLessThan(120));
    assertThat(
            FetchDetails.notice(
                new FetchEvent.UpstreamMoved(
                    RunId.of("x"),
                    1,
                    1,
                    Instant.EPOCH,
                    repo,
                    "main",
                    "1".repeat(40),
                    "2".repeat(40))))
        .hasValueSatisfying(t -> assertThat(t).contains("main", "1".repeat(12), "2".repeat(12)));
    assertThat(FetchDetails.notice(new FetchEvent.Resumed(RunId.of("x"), 1, 1, Instant.EPOCH)))
        .isEmpty();
  }

  private static FetchEvent.Progressed progressed(int attempt, long done) {
    return new FetchEvent.Progressed(
        RunId.of("x"), attempt, 1, Instant.EPOCH, done, 1_000_000_000, 0, 0, null, null, List.of());
  }

  @Test
  void saysWhyTheBarGoesBack() {
    assertThat(FetchDetails.setback(progressed(1, 500_000_000), progressed(1, 460_000_000)))
        .hasValueSatisfying(t -> assertThat(t).contains("40 MB", "cannot be used", "again"));
    assertThat(FetchDetails.setback(progressed(1, 500_000_000), progressed(2, 460_000_000)))
        .hasValueSatisfying(t -> assertThat(t).contains("40 MB", "interrupted", "again"));
  }

  @Test
  void saysNothingOfWhatNobodySees() {
    assertThat(FetchDetails.setback(progressed(1, 500_000_000), progressed(1, 499_999_000)))
        .isEmpty();
    assertThat(FetchDetails.setback(progressed(1, 500_000_000), progressed(1, 500_000_000)))
        .isEmpty();
    assertThat(FetchDetails.setback(progressed(1, 500_000_000), progressed(2, 600_000_000)))
        .isEmpty();
  }
}
