package flora.hub.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Shape;
import flora.hub.HubException;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.ErrorCode;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is asked, who counts, and who vouches. */
class ChoiceTest {

  private final Rig rig = new Rig();

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  private static MirrorProperties with(Map<String, String> aliases, Mirror... mirrors) {
    return new MirrorProperties(
        List.of(mirrors), false, false, aliases, Duration.ZERO, "flora/tiny", 200, 300, 500);
  }

  @Test
  void doesNotWaitForAHubThatDropsEveryPacket() throws Exception {
    var mirrors = rig.mirrors(rig.blackHole(), rig.proxied());

    long start = System.nanoTime();
    var located = rig.locate(mirrors, "true");

    // half a second of grace, and not the three that the hub has in the background
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(2500));
    assertThat(located.listedBy()).contains("proxy");
    assertThat(mirrors.get("hub").circuit()).isEqualTo(MirrorStatus.Circuit.CLOSED);
    await().until(() -> mirrors.get("hub").circuit() == MirrorStatus.Circuit.OPEN);
  }

  @Test
  void fetchesFromPlainFilesWhatTheHubCanNoLongerList() throws Exception {
    rig.fetched();
    var university = rig.hub("/mirror", Shape.PLAIN_FILES).add(rig.repo);
    var uni =
        Rig.mirror("uni", Site.Kind.FILES, URI.create(university.endpoint() + "/hugging-face"));
    rig.origin.fault("/", new Fault.Status(503), Integer.MAX_VALUE);
    rig.origin.forget();
    var mirrors = rig.mirrors(rig.origin.endpoint(), uni);

    var first = rig.locate(mirrors, "true");
    var second = rig.locate(mirrors, "true");
    var named = rig.locate(mirrors, "uni");

    for (var located : List.of(first, second, named)) {
      assertThat(located.listedBy()).contains("store");
      assertThat(located.listing().commit()).isEqualTo(rig.repo.commitOf("main"));
      var source = Rig.source(located, Rig.WEIGHTS, "uni");
      assertThat(Rig.all(source, Rig.file(located, Rig.WEIGHTS))).hasSize(300_000);
    }
    assertThat(first.warnings()).singleElement().asString().contains("503");
    // tried once, and then not for a minute
    assertThat(rig.origin.seen()).hasSize(1);
  }

  @Test
  void saysThatPlainFilesCannotBeListed() throws Exception {
    var uni = Rig.mirror("uni", Site.Kind.FILES, URI.create("http://127.0.0.1:9"));
    var mirrors = rig.mirrors(rig.origin.endpoint(), uni);

    assertThatThrownBy(() -> rig.locate(mirrors, "uni"))
        .isInstanceOfSatisfying(
            MirrorException.NotServing.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
              assertThat(e).hasMessageContaining("uni").hasMessageContaining("no lists");
              assertThat(e.hint()).contains("true");
            });
    assertThat(rig.origin.seen()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"nobody", "Not.A-name", "modelscope"})
  void namesTheMirrorsThatThereAreForOneThatThereIsNot(String name) {
    var mirrors = rig.mirrors(rig.origin.endpoint(), rig.proxied());

    assertThatThrownBy(() -> rig.locate(mirrors, name))
        .isInstanceOfSatisfying(
            MirrorException.Unknown.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
              assertThat(e)
                  .hasMessage(
                      "there is no mirror named %s: expected true, false or one of [proxy]", name);
              assertThat(e.hint()).contains("hub.mirrors", "./flora mirrors add");
            });
    assertThat(rig.origin.seen()).isEmpty();
  }

  @Test
  void goesOnWithWhatWasFetchedWhenNeitherTheHubNorAnyMirrorIsThere() throws Exception {
    rig.fetched();
    rig.origin.die();
    rig.proxy.die();
    var mirrors = rig.mirrors(rig.origin.endpoint(), rig.proxied());

    for (var use : List.of("true", "false", "proxy")) {
      var located = rig.locate(mirrors, use);

      assertThat(located.listedBy()).contains("store");
      assertThat(located.listing().commit()).isEqualTo(rig.repo.commitOf("main"));
      assertThat(located.listing().files()).hasSize(2);
    }
    var commit = mirrors.locate(RepoType.MODEL, Rig.TINY, rig.repo.commitOf("main"), "true");
    assertThat(commit.listing().files()).hasSize(2);
    assertThatThrownBy(() -> mirrors.locate(RepoType.MODEL, Rig.TINY, "v2", "true"))
        .isInstanceOf(MirrorException.NobodyAnswered.class)
        .hasMessageContaining("proxy");
  }

  @Test
  void doesNotPassOffOldBytesForARepositoryThatTheHubHasTakenAway() throws Exception {
    rig.fetched();
    rig.origin.fault("/api/", new Fault.Status(451), Integer.MAX_VALUE);
    var mirrors = rig.mirrors(rig.origin.endpoint());

    assertThatThrownBy(() -> rig.locate(mirrors, "true")).isInstanceOf(HubException.Withheld.class);
  }

  @Test
  void asksAHubThatIsRestingForWhatNobodyElseHas() throws Exception {
    rig.origin.add(FakeRepo.model("my/own").file("a.txt", "a"));
    var mirrors = rig.mirrors(rig.origin.endpoint(), rig.proxied());
    rig.origin.fault("/api/", new Fault.Status(503), 1);
    mirrors.probe("hub");
    assertThat(mirrors.get("hub").circuit()).isEqualTo(MirrorStatus.Circuit.OPEN);
    rig.origin.forget();

    assertThat(rig.locate(mirrors, "true").listedBy()).contains("proxy");
    assertThat(rig.origin.seen()).isEmpty();
    var own = mirrors.locate(RepoType.MODEL, new RepoId("my/own"), "main", "true");

    assertThat(own.listedBy()).contains("127.0.0.1");
    assertThat(own.warnings()).isEmpty();
  }

  @Test
  void leavesAFailingMirrorAloneAndThenTriesItOnce() throws Exception {
    rig.proxy.fault("/api/", new Fault.Status(500), Integer.MAX_VALUE);
    var mirrors = rig.mirrors(rig.origin.endpoint(), rig.proxied());
    for (int i = 0; i < 3; i++) {
      int asked = i;
      rig.locate(mirrors, "true");
      // somebody who is not waited for fails a little later
      await().until(() -> rig.proxy.seen().size() >= 2 * (asked + 1));
    }
    await().until(() -> mirrors.get("proxy").circuit() == MirrorStatus.Circuit.OPEN);
    assertThat(mirrors.get("proxy").cause()).contains("500");
    rig.proxy.behave().forget();

    rig.locate(mirrors, "true");
    assertThat(rig.proxy.seen()).isEmpty();

    rig.clock.add(Duration.ofSeconds(15));
    assertThat(mirrors.get("proxy").circuit()).isEqualTo(MirrorStatus.Circuit.HALF_OPEN);
    var located = rig.locate(mirrors, "true");
    await().until(() -> mirrors.get("proxy").circuit() == MirrorStatus.Circuit.CLOSED);
    await().untilAsserted(() -> assertThat(Rig.names(located, Rig.WEIGHTS)).contains("proxy"));
  }

  @Test
  void asksTheFastestFirst() throws Exception {
    var third = rig.hub("").add(rig.repo);
    var mirrors =
        rig.mirrors(
            rig.origin.endpoint(),
            rig.proxied(),
            Rig.mirror("third", Site.Kind.HUGGINGFACE, third.endpoint()));
    var located = rig.locate(mirrors, "true");
    await().untilAsserted(() -> assertThat(Rig.names(located, Rig.WEIGHTS)).hasSize(3));

    Rig.source(located, Rig.WEIGHTS, "third").moved(3_000_000, Duration.ofSeconds(1));
    Rig.source(located, Rig.WEIGHTS, "proxy").moved(2_000_000, Duration.ofSeconds(1));
    Rig.source(located, Rig.WEIGHTS, "127.0.0.1").moved(1_000_000, Duration.ofSeconds(1));

    assertThat(Rig.names(located, Rig.WEIGHTS)).containsExactly("third", "proxy", "127.0.0.1");
    Rig.source(located, Rig.WEIGHTS, "proxy").moved(9_000_000, Duration.ofSeconds(1));
    assertThat(Rig.names(located, Rig.WEIGHTS)).first().isEqualTo("proxy");
    assertThat(mirrors.list())
        .extracting(status -> status.mirror().name())
        .containsExactly("hub", "proxy", "third");
  }

  @Test
  void knowsNewNamesThatSomebodyHasAdded() throws Exception {
    rig.origin.add(FakeRepo.model("new/home").file("a.txt", "a"));
    rig.origin.add(FakeRepo.model("our/fork").file("a.txt", "a"));
    var aliases = Map.of("old/home", "new/home", "runwayml/stable-diffusion-v1-5", "our/fork");
    var mirrors = rig.mirrors(HubSettings.of(rig.origin.endpoint()), with(aliases));

    var located = mirrors.locate(RepoType.MODEL, new RepoId("old/home"), "main", "true");
    var own =
        mirrors.locate(
            RepoType.MODEL, new RepoId("runwayml/stable-diffusion-v1-5"), "main", "true");

    assertThat(located.listing().repo()).hasToString("new/home");
    assertThat(located.renamed().orElseThrow().requested()).hasToString("old/home");
    assertThat(located.renamed().orElseThrow().reason()).contains("new/home");
    assertThat(located.warnings()).singleElement().asString().contains("old/home", "new/home");
    assertThat(own.listing().repo()).hasToString("our/fork");
    assertThatThrownBy(
            () ->
                rig.mirrors(
                    HubSettings.of(rig.origin.endpoint()), with(Map.of("old/home", "new home"))))
        .hasMessageContaining("hub.aliases");
  }

  @Test
  void asksThoseWhoMayServeTheNewName() throws Exception {
    rig.origin.add(FakeRepo.model("new/home").file("a.txt", "a"));
    var university = rig.hub("/mirror", Shape.PLAIN_FILES);
    var root = URI.create(university.endpoint() + "/hugging-face");
    var uni = Rig.serving(Rig.mirror("uni", Site.Kind.FILES, root), "new/*");
    var settings = HubSettings.of(rig.origin.endpoint());
    var mirrors = rig.mirrors(settings, with(Map.of("old/home", "new/home"), uni));

    var located = mirrors.locate(RepoType.MODEL, new RepoId("old/home"), "main", "true");

    assertThat(Rig.names(located, "a.txt")).containsExactlyInAnyOrder("127.0.0.1", "uni");
  }

  @Test
  void aMirrorRenamesNothingIntoWhatItDoesNotServe() throws Exception {
    var acme = rig.hub("/acme").add(FakeRepo.model("meta/x").file("a.txt", "a").formerly("acme/y"));
    var all = Rig.mirror("acme", Site.Kind.HUGGINGFACE, acme.endpoint());
    var some = Rig.serving(all, "acme/*");
    var settings = HubSettings.of(rig.origin.endpoint());

    var refused =
        rig.mirrors(settings, with(Map.of(), some))
            .locate(RepoType.MODEL, new RepoId("acme/y"), "main", "acme");
    var believed =
        rig.mirrors(settings, with(Map.of(), all))
            .locate(RepoType.MODEL, new RepoId("acme/y"), "main", "acme");

    assertThat(refused.listing().repo()).hasToString("acme/y");
    assertThat(refused.renamed()).isEmpty();
    assertThat(believed.listing().repo()).hasToString("meta/x");
  }

  @Test
  void asksForTheOldNameAsLongAsItIsThere() throws Exception {
    rig.origin.add(FakeRepo.model("gpt2").file("a.txt", "a"));
    var mirrors = rig.mirrors(rig.origin.endpoint());

    var located = mirrors.locate(RepoType.MODEL, new RepoId("gpt2"), "main", "true");

    assertThat(located.listing().repo()).hasToString("gpt2");
    assertThat(located.renamed()).isEmpty();
  }

  @Test
  void saysOnceWhyAHubIsLeftAlone() throws Exception {
    var mirrors = rig.mirrors(rig.nobody(), rig.proxied());
    var warning = "";
    for (int i = 0; i < 20 && !warning.contains("not asked again yet"); i++) {
      warning = rig.locate(mirrors, "true").warnings().getFirst();
    }

    assertThat(warning).contains("not asked again yet").containsOnlyOnce("cannot be reached");
  }

  @Test
  void saysWhoVouchesForAFile() throws Exception {
    var scope = rig.hub("", Shape.MODELSCOPE).add(rig.repo);
    var changed =
        FakeRepo.model("flora/tiny")
            .file(Rig.INDEX, "{\"_class_name\":\"Z\"}")
            .noise(Rig.WEIGHTS, 300_000);
    var other = rig.hub("").add(changed);
    var mirrors =
        rig.mirrors(
            rig.origin.endpoint(),
            rig.proxied(),
            Rig.mirror("scope", Site.Kind.MODELSCOPE, scope.endpoint()),
            Rig.mirror("other", Site.Kind.HUGGINGFACE, other.endpoint()));

    var located = rig.locate(mirrors, "true");

    var weights = Rig.file(located, Rig.WEIGHTS);
    var index = Rig.file(located, Rig.INDEX);
    var digest = new Sha256(rig.repo.sha256(Rig.INDEX));
    await()
        .untilAsserted(
            () ->
                assertThat(located.vouchers(weights, weights.sha256()))
                    .containsExactly("127.0.0.1", "other", "proxy", "scope"));
    // by git ids, and by the SHA-256 that only one of them lists
    assertThat(located.vouchers(index, digest)).containsExactly("127.0.0.1", "proxy", "scope");
  }

  @Test
  void keepsInTheManifestWhoVouchedForAFile() throws Exception {
    var archive = new Archive(rig.store);
    var alone = rig.locate(rig.mirrors(rig.nobody(), rig.proxied()), "true");
    var weights = Rig.file(alone, Rig.WEIGHTS);
    var verified =
        new Verified(weights.sha256(), weights.size(), "lfs-sha256", "proxy", Instant.EPOCH);

    var first = archive.publish(alone, Map.of(weights, verified), Map.of());
    assertThat(entry(archive).verifiedBy()).isEqualTo("lfs-sha256");
    assertThat(entry(archive).listedBy()).containsExactly("proxy");

    var hub = rig.locate(rig.mirrors(rig.origin.endpoint()), "true");
    var second = archive.publish(hub, Map.of(weights, verified), Map.of());

    assertThat(entry(archive).listedBy()).containsExactly("127.0.0.1", "proxy");
    // what a run got does not change with who is reached
    assertThat(second).isEqualTo(first);
    rig.origin.die();
    var kept = rig.locate(rig.mirrors(rig.origin.endpoint()), "true");
    archive.publish(kept, Map.of(weights, verified), Map.of());
    assertThat(entry(archive).listedBy()).containsExactly("127.0.0.1", "proxy");
  }

  private RepoManifest.Entry entry(Archive archive) {
    return archive
        .manifest(RepoType.MODEL, Rig.TINY, rig.repo.commitOf("main"))
        .orElseThrow()
        .file(Rig.WEIGHTS)
        .orElseThrow();
  }
}
