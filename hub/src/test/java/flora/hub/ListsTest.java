package flora.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.net.httpserver.HttpServer;
import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.When;
import flora.schemas.RepoId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which pages a list is read from: that of the revision where it says enough, else the tree. */
class ListsTest {

  private static final RepoId TINY = new RepoId("flora/tiny");
  private static final String WEIGHTS = "unet/deep/er/model.safetensors";
  private static final RetryPolicy QUICK =
      new RetryPolicy(3, Duration.ofMillis(1), Duration.ofSeconds(2));

  private final FakeHub hub = FakeHub.start(0, "/proxy");
  private final FakeRepo repo = filled(FakeRepo.model("flora/tiny"));
  private final HubClient client = client(hub.endpoint());

  private static HubClient client(URI endpoint) {
    return new HubClient(HubSettings.of(endpoint), QUICK, Clock.systemUTC());
  }

  private static FakeRepo filled(FakeRepo repo) {
    return repo.file("z.json", "{}")
        .file(".gitattributes", "")
        .file("unet.json", "{ }")
        .file("unet/names with spaces/ä+b%20.txt", "odd")
        .file("large.bin", "small and yet in LFS")
        .noise(WEIGHTS, 300_000);
  }

  @AfterEach
  void stop() {
    client.close();
    hub.close();
  }

  private RepoListing listing() throws InterruptedException {
    return client.listing(RepoType.MODEL, TINY, "main");
  }

  /** As {@code revision?blobs=true tree}. */
  private String asked() {
    var words = hub.seen().stream().map(seen -> word(seen.uri())).toList();
    return String.join(" ", words);
  }

  private static String word(URI uri) {
    if (uri.getPath().contains("/tree/")) {
      return "tree";
    }
    assertThat(uri.getPath()).contains("/revision/");
    return uri.getRawQuery() == null ? "revision" : "revision?" + uri.getRawQuery();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void listsASmallRepositoryWithOneRequest(boolean quick) throws Exception {
    hub.add(repo);

    var listing = client.listing(RepoType.MODEL, TINY, "main", quick);

    assertThat(asked()).isEqualTo("revision?blobs=true");
    assertThat(listing.commit()).isEqualTo(repo.commitOf("main"));
    assertThat(listing.files()).extracting(HubFile::path).containsExactlyElementsOf(repo.paths());
    for (var file : listing.files()) {
      assertThat(file.size()).isEqualTo(repo.size(file.path()));
      if (file.sha256() == null) {
        assertThat(file.gitSha1()).isEqualTo(repo.gitSha1(file.path()));
      } else {
        assertThat(file.sha256()).hasToString(repo.sha256(file.path()));
      }
    }
    assertThat(listing.files())
        .filteredOn(file -> file.sha256() != null)
        .extracting(HubFile::path)
        .containsExactly("large.bin", WEIGHTS);
  }

  @ParameterizedTest
  @EnumSource(RepoType.class)
  void saysTheSameWhicheverPagesItReads(RepoType type) throws Exception {
    hub.add(repo).add(filled(FakeRepo.dataset("flora/tiny"))).pageSize(3);

    var atOnce = client.listing(type, TINY, "main");
    assertThat(asked()).isEqualTo("revision?blobs=true");
    hub.forget();
    hub.fault("", When.always(), new Fault.NameOnly());
    var fromTheTree = client.listing(type, TINY, "main");

    assertThat(asked()).isEqualTo("revision?blobs=true tree tree tree tree");
    assertThat(atOnce).isEqualTo(fromTheTree);
    assertThat(atOnce.files()).hasSize(6);
  }

  @ParameterizedTest
  @ValueSource(strings = {WEIGHTS, "z.json"})
  void readsTheTreeWhereOneFileLacksItsDigest(String path) throws Exception {
    hub.add(repo);
    var whole = listing();
    hub.forget();
    hub.fault(path, When.always(), new Fault.NoDigest());

    assertThat(listing()).isEqualTo(whole);
    assertThat(asked()).isEqualTo("revision?blobs=true tree");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "'a.txt'",
        "{'size': 1, 'blobId': 'SHA1'}",
        "{'rfilename': 'a.txt', 'size': '1', 'blobId': 'SHA1'}",
        "{'rfilename': 'a.txt', 'size': -1, 'blobId': 'SHA1'}",
        "{'rfilename': 'a.txt', 'size': 1.5, 'blobId': 'SHA1'}",
        "{'rfilename': 'a.txt', 'size': null, 'blobId': 'SHA1'}",
        "{'rfilename': 'a.txt', 'size': 1, 'blobId': 'short'}",
        "{'rfilename': 'a.txt', 'size': 1, 'blobId': 'SHA1', 'lfs': true}",
        "{'rfilename': 'a.txt', 'size': 1, 'blobId': 'SHA1', 'lfs': {}}",
        "{'rfilename': 'a.txt', 'size': 1, 'blobId': 'SHA1', 'lfs': {'sha256': 'SHA256'}}",
        "{'rfilename': 'a.txt', 'size': 1, 'blobId': 'SHA1', 'lfs': {'sha256': 'x', 'size': 1}}"
      })
  void readsTheTreeWhereAFileIsDescribedOddly(String sibling) throws Exception {
    assertThat(filesOfAPageWith(sibling)).extracting(HubFile::path).containsExactly("of.the.tree");
  }

  @Test
  void takesAFileWithoutLargeContentWhereTheHubSaysSo() throws Exception {
    var sibling = "{'rfilename': 'a.txt', 'size': 1, 'blobId': 'SHA1', 'lfs': null}";

    assertThat(filesOfAPageWith(sibling))
        .containsExactly(
            new HubFile("a.txt", 1, "a".repeat(40), null),
            new HubFile("b.txt", 2, "a".repeat(40), null));
  }

  /** The files that are listed where the page of a revision has these and one good one. */
  private static List<HubFile> filesOfAPageWith(String sibling) throws Exception {
    var good = "{'rfilename': 'b.txt', 'size': 2, 'blobId': 'SHA1'}";
    var info = "{'sha': 'SHA1', 'siblings': [%s, %s]}".formatted(good, sibling);
    var tree = "[{'type': 'file', 'path': 'of.the.tree', 'size': 3, 'oid': 'SHA1'}]";
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          var page = exchange.getRequestURI().getPath().contains("/tree/") ? tree : info;
          var json =
              page.replace('\'', '"')
                  .replace("SHA1", "a".repeat(40))
                  .replace("SHA256", "a".repeat(64))
                  .getBytes(UTF_8);
          exchange.sendResponseHeaders(200, json.length);
          exchange.getResponseBody().write(json);
          exchange.close();
        });
    server.start();
    try (var there = client(URI.create("http://127.0.0.1:" + server.getAddress().getPort()))) {
      return there.listing(RepoType.MODEL, TINY, "main").files();
    } finally {
      server.stop(0);
    }
  }

  @ParameterizedTest
  @CsvSource({"999, revision?blobs=true", "1000, revision?blobs=true tree"})
  void readsTheTreeWhereThereAreSoManyFilesThatSomeMayBeMissing(int count, String expected)
      throws Exception {
    var many = FakeRepo.dataset("flora/many");
    for (int i = 0; i < count; i++) {
      many.file("images/%04d.txt".formatted(i), "a");
    }
    hub.add(many).pageSize(2000);

    var files = client.listing(RepoType.DATASET, new RepoId("flora/many"), "main").files();

    assertThat(files).extracting(HubFile::path).containsExactlyElementsOf(many.paths());
    assertThat(asked()).isEqualTo(expected);
  }

  @Test
  void readsTheTreeWhereThePageOfTheRevisionNamesNoFiles() throws Exception {
    hub.add(FakeRepo.model("flora/tiny"));

    assertThat(listing().files()).isEmpty();
    assertThat(asked()).isEqualTo("revision?blobs=true tree");
  }

  @Test
  void leavesAPageToItselfThatSizesMakeLong() throws Exception {
    var wordy = FakeRepo.model("flora/tiny");
    for (int i = 0; i < 900; i++) {
      wordy.file("a".repeat(5000) + i, "a");
    }
    hub.add(wordy);

    assertThat(listing().files()).hasSize(900);
    assertThat(asked()).isEqualTo("revision?blobs=true revision tree");
  }

  @Test
  void doesNotAskTwiceForSizesThatAHubDoesNotBringForth() throws Exception {
    hub.add(repo).fault("/revision/", new Fault.Status(504), 2);

    assertThat(listing().files()).hasSize(6);
    assertThat(asked()).isEqualTo("revision?blobs=true revision revision tree");
  }

  @Test
  void asksForSizesAgainWhereItHadToWait() throws Exception {
    hub.add(repo).fault("/revision/", new Fault.Status(429, Map.of("Retry-After", "0")), 1);

    assertThat(listing().files()).hasSize(6);
    assertThat(asked()).isEqualTo("revision?blobs=true revision?blobs=true");
  }

  @Test
  void doesNotSpendAQuickLookOnTheSizesOfPictures() throws Exception {
    hub.add(filled(FakeRepo.dataset("flora/tiny")));

    assertThat(client.listing(RepoType.DATASET, TINY, "main", true).files()).hasSize(6);
    assertThat(asked()).isEqualTo("revision tree");
  }

  @Test
  void asksForNoSizesWhereTheCommitIsWanted() throws Exception {
    hub.add(repo);

    assertThat(client.commit(RepoType.MODEL, TINY, "main")).isEqualTo(repo.commitOf("main"));
    assertThat(asked()).isEqualTo("revision");
  }

  @Test
  void refusesAPathThatLeavesTheRepositoryOnEitherPage() {
    hub.add(FakeRepo.model("flora/tiny").file("../../etc/passwd", "x"));

    var atOnce = catchThrowable(this::listing);
    assertThat(asked()).isEqualTo("revision?blobs=true");
    hub.fault("", When.always(), new Fault.NameOnly());

    assertThatThrownBy(this::listing)
        .isInstanceOf(HubException.Protocol.class)
        .hasMessageContaining("path")
        .hasSameClassAs(atOnce)
        .hasMessage(atOnce.getMessage());
  }
}
