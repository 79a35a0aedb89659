package flora.hub.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Redirects;
import flora.fakehub.Shape;
import flora.fakehub.When;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.schemas.RepoId;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The addresses that mirrors are asked at, and what is sent there. */
class ShapesTest {

  private final Rig rig = new Rig();

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  private static Mirror mirror(
      Site.Kind kind,
      URI endpoint,
      @Nullable String api,
      @Nullable String files,
      Map<String, String> owners) {
    return Rig.mirror("there", kind, endpoint, api, files, owners, null);
  }

  /** Fetches all files from the mirror alone; the paths that it was asked for. */
  private List<String> paths(FakeHub hub, Mirror mirror) throws Exception {
    var located = rig.locate(rig.mirrors(rig.origin.endpoint(), mirror), "there");
    for (var file : located.listing().files()) {
      var source = Rig.source(located, file.path(), "there");
      assertThat(Rig.all(source, file)).hasSize((int) file.size());
    }
    return hub.seen().stream()
        .filter(seen -> !seen.onContent())
        .map(seen -> seen.uri().getPath())
        .distinct()
        .toList();
  }

  @Test
  void keepsThePrefixInEveryAddress() throws Exception {
    var commit = rig.repo.commitOf("main");
    rig.proxy.fault("", When.always(), new Fault.NameOnly());

    var paths =
        paths(rig.proxy, mirror(Site.Kind.HUGGINGFACE, rig.proxy.endpoint(), null, null, Map.of()));

    assertThat(paths)
        .startsWith(
            "/huggingface-proxy/api/models/flora/tiny/revision/main",
            "/huggingface-proxy/api/models/flora/tiny/tree/" + commit)
        .contains(
            "/huggingface-proxy/flora/tiny/resolve/%s/%s".formatted(commit, Rig.INDEX),
            "/huggingface-proxy/flora/tiny/resolve/%s/%s".formatted(commit, Rig.WEIGHTS))
        .allMatch(path -> path.startsWith("/huggingface-proxy/"));
  }

  @Test
  void asksWhereTheTemplatesSay() throws Exception {
    var base = rig.proxy.endpoint().toString();
    // as if only these addresses were known: the endpoint itself leads nowhere
    var elsewhere = URI.create(base.replace("/huggingface-proxy", "/nowhere"));

    var paths =
        paths(
            rig.proxy,
            mirror(
                Site.Kind.HUGGINGFACE,
                elsewhere,
                base + "/api/{type}/{owner}/{name}",
                base + "/{type_prefix}{id}/resolve/{revision}/{path}",
                Map.of()));

    assertThat(paths).isNotEmpty().allMatch(path -> path.startsWith("/huggingface-proxy/"));
  }

  @Test
  void callsOwnersOnModelScopeAsTheyAreCalledThere() throws Exception {
    var scope = rig.hub("", Shape.MODELSCOPE);
    scope.add(
        FakeRepo.model("AI-ModelScope/tiny")
            .file(Rig.INDEX, "{\"_class_name\":\"X\"}")
            .noise(Rig.WEIGHTS, 300_000));
    var owners = Map.of("Qwen", "Qwen", "*", "AI-ModelScope");

    var paths = paths(scope, mirror(Site.Kind.MODELSCOPE, scope.endpoint(), null, null, owners));

    assertThat(paths)
        .contains(
            "/api/v1/models/AI-ModelScope/tiny/repo/files",
            "/api/v1/models/AI-ModelScope/tiny/repo");
    assertThat(scope.seen())
        .isNotEmpty()
        .allMatch(seen -> seen.uri().getQuery().contains("Revision=master"));
  }

  @Test
  void hasDatasetsFromBothKindsThatList() throws Exception {
    var pictures =
        FakeRepo.dataset("flora/pictures").file("metadata.csv", "file_name,text").noise("a.png", 9);
    var scope = rig.hub("", Shape.MODELSCOPE).add(pictures);
    rig.proxy.add(pictures);
    var mirrors =
        rig.mirrors(
            rig.nobody(),
            rig.proxied(),
            Rig.mirror("scope", Site.Kind.MODELSCOPE, scope.endpoint()));

    for (var name : List.of("proxy", "scope")) {
      var id = new RepoId("flora/pictures");
      var located = mirrors.locate(RepoType.DATASET, id, "main", name);

      assertThat(located.listing().files())
          .extracting(HubFile::path)
          .containsExactly("a.png", "metadata.csv");
      for (var file : located.listing().files()) {
        assertThat(Rig.all(Rig.source(located, file.path(), name), file))
            .hasSize((int) file.size());
      }
    }
    assertThat(rig.proxy.seen())
        .extracting(seen -> seen.uri().getPath())
        .contains("/huggingface-proxy/api/datasets/flora/pictures/revision/main")
        .anyMatch(path -> path.startsWith("/huggingface-proxy/datasets/flora/pictures/resolve/"));
    assertThat(scope.seen())
        .extracting(seen -> seen.uri().getPath())
        .contains("/api/v1/datasets/flora/pictures/repo");
  }

  @Test
  void saysUnderWhichNameAMirrorAloneHasListedIt() throws Exception {
    var scope = rig.hub("", Shape.MODELSCOPE);
    scope.add(FakeRepo.model("AI-ModelScope/tiny").file("a.txt", "a"));
    var owners = Map.of("*", "AI-ModelScope");
    var there = mirror(Site.Kind.MODELSCOPE, scope.endpoint(), null, null, owners);

    var located = rig.locate(rig.mirrors(rig.nobody(), there), "true");

    assertThat(located.warnings())
        .singleElement()
        .asString()
        .startsWith("listed by there, which calls it AI-ModelScope/tiny: ");
  }

  @Test
  void findsAUniversitysFilesWithoutATemplate() throws Exception {
    var university = rig.hub("/mirror", Shape.PLAIN_FILES).add(rig.repo);
    var root = URI.create(university.endpoint() + "/hugging-face");
    var mirrors =
        rig.mirrors(rig.origin.endpoint(), mirror(Site.Kind.FILES, root, null, null, Map.of()));

    var located = rig.locate(mirrors, "true");
    var source = Rig.source(located, Rig.WEIGHTS, "there");

    assertThat(Rig.all(source, Rig.file(located, Rig.WEIGHTS))).hasSize(300_000);
    assertThat(university.seen())
        .extracting(seen -> seen.uri().getPath())
        .containsExactly("/mirror/hugging-face/models/flora/tiny/" + Rig.WEIGHTS);
  }

  @Test
  void sendsTheHubsTokenToTheHubAndTheMirrorsToTheMirror() throws Exception {
    rig.proxy.redirects(Redirects.with(302).content(URI.create("http://localhost")));
    var keyed =
        Rig.mirror(
            "there",
            Site.Kind.HUGGINGFACE,
            rig.proxy.endpoint(),
            null,
            null,
            Map.of(),
            "PROXY_TOKEN");
    var plain = rig.hub("").add(rig.repo);
    var mirrors =
        rig.mirrors(
            Rig.withToken(rig.origin, "token-of-the-hub"),
            MirrorProperties.of(
                keyed, Rig.mirror("plain", Site.Kind.HUGGINGFACE, plain.endpoint())));

    var located = rig.locate(mirrors, "true");
    await()
        .untilAsserted(
            () -> assertThat(located.sources(located.listing().files().getFirst())).hasSize(3));
    for (var file : located.listing().files()) {
      for (var source : located.sources(file)) {
        Rig.all(source, file);
      }
    }

    assertThat(authorizations(rig.origin, false)).containsOnly("Bearer token-of-the-hub");
    assertThat(authorizations(rig.proxy, false)).containsOnly("Bearer token-of-the-proxy");
    assertThat(authorizations(plain, false)).containsOnly("none");
    for (var hub : List.of(rig.origin, rig.proxy, plain)) {
      assertThat(authorizations(hub, true)).containsOnly("none");
    }
  }

  private static List<String> authorizations(FakeHub hub, boolean onContent) {
    return hub.seen().stream()
        .filter(seen -> seen.onContent() == onContent)
        .map(seen -> seen.authorization() == null ? "none" : seen.authorization())
        .toList();
  }

  @Test
  void namesTheHubsPageWhereTheTermsAreAcceptedAndNotTheMirrors() throws Exception {
    rig.proxy.add(FakeRepo.model("flora/gate").file("a.txt", "a").gated("right"));
    var mirrors = rig.mirrors(rig.origin.endpoint(), rig.proxied());
    var gate = new RepoId("flora/gate");
    var located = mirrors.locate(RepoType.MODEL, gate, "main", "proxy");
    var source = Rig.source(located, "a.txt", "proxy");

    assertThatThrownBy(() -> source.open(0, 1))
        .isInstanceOfSatisfying(
            HubException.Gated.class,
            e -> assertThat(e.hint()).contains(rig.origin.endpoint() + "/flora/gate"));
    assertThat(source.isUsable()).isFalse();
    assertThat(mirrors.get("proxy").circuit()).isEqualTo(MirrorStatus.Circuit.CLOSED);
  }

  @Test
  void saysThatTheHubsTokenDoesNotGoToTheMirrorThatIsAskedAlone() {
    var mirrors = rig.mirrors(rig.origin.endpoint(), rig.proxied());

    assertThatThrownBy(
            () -> mirrors.locate(RepoType.MODEL, new RepoId("my/secret"), "main", "proxy"))
        .isInstanceOfSatisfying(
            HubException.RepoNotFound.class,
            e -> assertThat(e.hint()).contains("HF_TOKEN").endsWith("use_mirror: false"));
    assertThatThrownBy(
            () -> mirrors.locate(RepoType.MODEL, new RepoId("my/secret"), "main", "false"))
        .isInstanceOfSatisfying(
            HubException.RepoNotFound.class, e -> assertThat(e.hint()).endsWith("set HF_TOKEN"));
  }

  @Test
  void takesNoMirrorUnderTheHubsOwnName() {
    var hub = Rig.mirror("hub", Site.Kind.HUGGINGFACE, URI.create("http://127.0.0.1:9"));
    var host = Rig.mirror("127.0.0.1", Site.Kind.HUGGINGFACE, URI.create("http://127.0.0.1:9"));
    var mirrors = rig.mirrors(rig.origin.endpoint());

    assertThatThrownBy(() -> MirrorProperties.of(hub)).hasMessageContaining("named hub");
    assertThatThrownBy(
            () -> rig.mirrors(HubSettings.of(rig.origin.endpoint()), MirrorProperties.of(host)))
        .hasMessageContaining("named 127.0.0.1");
    for (var name : List.of(hub, host)) {
      assertThatThrownBy(() -> mirrors.put(name)).isInstanceOf(MirrorException.Invalid.class);
    }
  }
}
