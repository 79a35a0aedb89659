package flora.hub.mirror;

import static flora.hub.mirror.ProbeResult.Verdict.FAULTY;
import static flora.hub.mirror.ProbeResult.Verdict.LAGGING;
import static flora.hub.mirror.ProbeResult.Verdict.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Shape;
import flora.fakehub.When;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.schemas.RepoId;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProbesTest {

  private final Rig rig = new Rig();

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  /** Fast enough on any machine: these tests are about something else. */
  private static MirrorProperties patient(Duration every, String repository, Mirror... mirrors) {
    return new MirrorProperties(
        List.of(mirrors), false, false, Map.of(), every, repository, 60_000, 300, 500);
  }

  private Mirrors mirrors(URI hub, Mirror... mirrors) {
    return rig.mirrors(HubSettings.of(hub), patient(Duration.ZERO, "flora/tiny", mirrors));
  }

  @Test
  void measuresEveryMirrorBySchedule() throws Exception {
    var dead = Rig.mirror("dead", Site.Kind.HUGGINGFACE, rig.nobody());
    var off = Rig.mirror("off", Site.Kind.HUGGINGFACE, rig.proxy.endpoint()).enabled(false);
    var every = Duration.ofMillis(200);
    var mirrors =
        rig.mirrors(
            HubSettings.of(rig.origin.endpoint()),
            patient(every, "flora/tiny", rig.proxied(), dead, off));
    assertThat(mirrors.get("proxy").p95Ms()).isNull();

    mirrors.start();

    await()
        .untilAsserted(
            () -> {
              assertThat(mirrors.get("proxy").p50Ms()).isNotNull();
              assertThat(mirrors.get("proxy").bytesPerSecond()).isPositive();
              assertThat(mirrors.get("proxy").lagSeconds()).isZero();
              assertThat(mirrors.get("dead").circuit()).isEqualTo(MirrorStatus.Circuit.OPEN);
            });
    assertThat(mirrors.get("dead").cause()).contains("dead");
    assertThat(mirrors.get("off").p50Ms()).isNull();
  }

  @Test
  void measuresNobodyWhereTheScheduleIsOff() throws Exception {
    rig.proxy.fault("", When.always(), new Fault.NameOnly());
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());
    mirrors.start();

    // whoever was measured would be by now: the first look comes after a tenth of the time
    assertThat(mirrors.probe("proxy").verdict()).isEqualTo(OK);
    assertThat(rig.proxy.seen()).filteredOn(s -> s.uri().getPath().contains("/tree/")).hasSize(1);
  }

  @Test
  void callsAMirrorLaggingThatStaysBehindForLong() throws Exception {
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());
    rig.locate(mirrors, "true");
    assertThat(mirrors.probe("proxy").verdict()).isEqualTo(OK);
    var old = rig.repo.commitOf("main");
    rig.repo.file(Rig.INDEX, "{\"_class_name\":\"Y\"}").commit("main");
    rig.proxy.behind(rig.repo, old);

    assertThat(mirrors.probe("proxy").verdict()).isEqualTo(OK);
    rig.clock.add(Duration.ofSeconds(300));
    assertThat(mirrors.probe("proxy").verdict()).isEqualTo(OK);
    rig.clock.add(Duration.ofSeconds(1));
    var late = mirrors.probe("proxy");

    assertThat(late.verdict()).isEqualTo(LAGGING);
    assertThat(late.lagSeconds()).isEqualTo(301);
    assertThat(late.commit()).isEqualTo(old);
    assertThat(late.originCommit()).isEqualTo(rig.repo.commitOf("main"));
    assertThat(late.cause()).contains("301 s", "hub.max-sync-lag-s: 300");
    assertThat(mirrors.get("proxy").lagging()).isTrue();
    rig.proxy.behind(rig.repo, rig.repo.commitOf("main"));
  }

  @Test
  void tellsNobodyOfARepositoryThatTheHubAloneWasAskedFor() throws Exception {
    rig.origin.add(FakeRepo.model("secret/plans").file("a.txt", "a"));
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());
    mirrors.locate(RepoType.MODEL, new RepoId("secret/plans"), "main", "false");

    var result = mirrors.probe("proxy");

    assertThat(result.repository()).isEqualTo("flora/tiny");
    assertThat(result.verdict()).isEqualTo(OK);
    assertThat(rig.proxy.seen()).noneMatch(seen -> seen.uri().getPath().contains("secret"));
  }

  @Test
  void doesNotAskTheHubForWhatANamedMirrorWasAskedFor() throws Exception {
    rig.proxy.add(FakeRepo.model("acme/own").file("a.txt", "a"));
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());
    mirrors.locate(RepoType.MODEL, new RepoId("acme/own"), "main", "proxy");

    var result = mirrors.probe("proxy");

    assertThat(result.repository()).isEqualTo("acme/own");
    assertThat(result.commit()).isNotNull();
    assertThat(result.originCommit()).isNull();
    assertThat(rig.origin.seen()).isEmpty();
  }

  @Test
  void measuresAMirrorWithWhatItHas() throws Exception {
    rig.origin.add(FakeRepo.model("only/here").file("a.txt", "a"));
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());
    rig.locate(mirrors, "true");
    mirrors.locate(RepoType.MODEL, new RepoId("only/here"), "main", "true");

    var result = mirrors.probe("proxy");

    assertThat(result.repository()).isEqualTo("flora/tiny");
    assertThat(result.verdict()).isEqualTo(OK);
    assertThat(mirrors.probe("hub").repository()).isEqualTo("only/here");
  }

  @Test
  void measuresPlainFilesWithTheHubsList() throws Exception {
    var university = university();
    var uni = Rig.mirror("uni", Site.Kind.FILES, URI.create(university + "/hugging-face"));
    var mirrors = mirrors(rig.origin.endpoint(), uni);

    var result = mirrors.probe("uni");

    assertThat(result.verdict()).as(result.cause()).isEqualTo(OK);
    assertThat(result.p95Ms()).isNotNull();
    assertThat(result.bytesPerSecond()).isPositive();
    assertThat(result.commit()).isNull();
  }

  private URI university() {
    FakeHub university = rig.hub("/mirror", Shape.PLAIN_FILES);
    return university.add(rig.repo).endpoint();
  }

  @Test
  void saysThatAMirrorHasNothingThatItCouldBeMeasuredWith() throws Exception {
    var empty = rig.hub("");
    var there = Rig.mirror("empty", Site.Kind.HUGGINGFACE, empty.endpoint());
    var mirrors = mirrors(rig.origin.endpoint(), there);

    var result = mirrors.probe("empty");

    assertThat(result.verdict()).isEqualTo(FAULTY);
    assertThat(result.reachable()).isTrue();
    assertThat(result.cause()).contains("flora/tiny");
    assertThat(mirrors.get("empty").circuit()).isEqualTo(MirrorStatus.Circuit.CLOSED);
  }

  @Test
  void asksAMirrorAgainAsSoonAsALookFoundItWell() throws Exception {
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());
    rig.proxy.fault("/api/", new Fault.Status(429, Map.of("Retry-After", "300")), 1);
    rig.locate(mirrors, "true");
    await().until(() -> mirrors.get("proxy").circuit() == MirrorStatus.Circuit.OPEN);
    rig.clock.add(Duration.ofSeconds(100));
    assertThat(mirrors.probe("proxy").verdict()).isNotEqualTo(OK);
    assertThat(mirrors.get("proxy").circuit()).isEqualTo(MirrorStatus.Circuit.OPEN);

    mirrors.probe("hub");
    rig.origin.fault("/api/", new Fault.Status(503), 1);
    mirrors.probe("hub");
    assertThat(mirrors.get("hub").circuit()).isEqualTo(MirrorStatus.Circuit.OPEN);
    mirrors.probe("hub");

    assertThat(mirrors.get("hub").circuit()).isEqualTo(MirrorStatus.Circuit.CLOSED);
    assertThat(mirrors.get("hub").cause()).isNull();
  }

  @Test
  void doesWithoutAHubThatIsAway() throws Exception {
    rig.origin.fault("/", new Fault.Status(503), Integer.MAX_VALUE);
    var mirrors = mirrors(rig.origin.endpoint(), rig.proxied());

    var first = mirrors.probe("proxy");
    var second = mirrors.probe("proxy");

    assertThat(first.verdict()).isEqualTo(OK);
    assertThat(first.originCommit()).isNull();
    assertThat(first.lagSeconds()).isNull();
    assertThat(second.verdict()).isEqualTo(OK);
    // it is known to be away for a minute
    assertThat(rig.origin.seen()).hasSize(1);
  }
}
