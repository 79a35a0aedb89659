package flora.fakehub;

import static flora.fakehub.HubCalls.header;
import static flora.fakehub.HubCalls.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultTest {

  private static final String FILE = "model.safetensors";

  private final FakeHub hub =
      FakeHub.start(0).add(FakeRepo.model("flora/tiny").noise(FILE, 100_000));
  private final HubCalls calls = new HubCalls(hub);
  private URI at;
  private byte[] right;

  @BeforeEach
  void readRightBytes() throws Exception {
    at = calls.content("flora/tiny", FILE);
    right = calls.get(at, null).body();
    assertThat(right).hasSize(100_000);
  }

  @AfterEach
  void stop() {
    calls.close();
    hub.close();
  }

  @Test
  void falsifiesEveryThirdRangeOnly() throws Exception {
    hub.fault(FILE, When.always().onRanges().every(3), new Fault.WrongByte(15));

    for (int i = 1; i <= 6; i++) {
      assertThat(calls.get(at, null).body()).isEqualTo(right);
      var part = calls.get(at, "bytes=10-19").body();
      assertThat(Arrays.equals(part, Arrays.copyOfRange(right, 10, 20))).isEqualTo(i % 3 != 0);
    }
  }

  @Test
  void falsifiesAByteInEachStretch() throws Exception {
    hub.fault(FILE, When.always(), new Fault.WrongBytes(1000));

    var wrong = calls.get(at, null).body();

    for (int i = 0; i < right.length; i++) {
      assertThat(wrong[i] != right[i]).isEqualTo(i % 1000 == 999);
    }
  }

  @Test
  void hasSeveralFaultsAtOnceAndByChanceTheSameForTheSameSeed() throws Exception {
    hub.fault(FILE, When.always().sometimes(0.5, 7), new Fault.NoEtag(), new Fault.NoLength());
    var first = new StringBuilder();
    var second = new StringBuilder();

    for (var course : new StringBuilder[] {first, second}) {
      for (int i = 0; i < 12; i++) {
        var answer = calls.get(at, null);
        assertThat(header(answer, "ETag").isEmpty())
            .isEqualTo(header(answer, "Content-Length").isEmpty());
        assertThat(answer.body()).isEqualTo(right);
        course.append(header(answer, "ETag").isEmpty() ? 'x' : '.');
      }
      hub.behave();
      hub.fault(FILE, When.always().sometimes(0.5, 7), new Fault.NoEtag(), new Fault.NoLength());
    }

    assertThat(first.toString()).contains("x").contains(".").isEqualTo(second.toString());
  }

  @Test
  void liesAboutRanges() throws Exception {
    for (var fault :
        new Fault[] {
          new Fault.IgnoredRange(),
          new Fault.RefusedRange(),
          new Fault.OtherRange(5),
          new Fault.RangeWithStatus200(),
          new Fault.WrongTotal(1),
          new Fault.Shortened(4)
        }) {
      hub.fault(FILE, fault, 1);
    }

    var ignored = calls.get(at, "bytes=10-19");
    assertThat(ignored.statusCode()).isEqualTo(200);
    assertThat(ignored.body()).isEqualTo(right);
    assertThat(calls.get(at, "bytes=10-19").statusCode()).isEqualTo(416);
    var other = calls.get(at, "bytes=10-19");
    assertThat(header(other, "Content-Range")).isEqualTo("bytes 15-24/100000");
    assertThat(other.body()).isEqualTo(Arrays.copyOfRange(right, 15, 25));
    var odd = calls.get(at, "bytes=10-19");
    assertThat(odd.statusCode()).isEqualTo(200);
    assertThat(header(odd, "Content-Range")).isEqualTo("bytes 10-19/100000");
    assertThat(odd.body()).isEqualTo(Arrays.copyOfRange(right, 10, 20));
    var total = calls.get(at, "bytes=10-19");
    assertThat(header(total, "Content-Range")).isEqualTo("bytes 10-19/100001");
    assertThat(calls.get(at, "bytes=10-19").body()).hasSize(6);
    assertThat(calls.get(at, "bytes=10-19").body()).isEqualTo(Arrays.copyOfRange(right, 10, 20));
  }

  @Test
  void sendsSomethingElseThanTheFile() throws Exception {
    hub.fault(FILE, new Fault.Html(), 1).fault(FILE, new Fault.Pointer(), 1);

    var html = calls.get(at, null);
    var pointer = calls.get(at, null);

    assertThat(html.statusCode()).isEqualTo(200);
    assertThat(header(html, "Content-Type")).startsWith("text/html");
    assertThat(text(pointer)).startsWith("version https://git-lfs.github.com/spec/v1\noid sha256:");
  }

  @Test
  void liesAboutLengthAndNames() throws Exception {
    hub.fault(FILE, new Fault.TooLongLength(1), 1)
        .fault(FILE, new Fault.WrongEtag("other"), 1)
        .fault(FILE, new Fault.NoCommit(), 1)
        .fault(FILE, new Fault.NoLinks(), 1)
        .fault(FILE, new Fault.WrongLinkedSize(-1), 1)
        .fault(FILE, new Fault.WrongLinkedEtag("0000"), 1);
    var resolve = "/flora/tiny/resolve/main/" + FILE;

    assertThatThrownBy(() -> calls.get(at, null)).isInstanceOf(IOException.class);
    assertThat(header(calls.get(at, null), "ETag")).isEqualTo("\"other\"");
    assertThat(header(calls.get(resolve), "X-Repo-Commit")).isEmpty();
    var unlinked = calls.get(resolve);
    assertThat(header(unlinked, "X-Linked-Size")).isEmpty();
    assertThat(header(unlinked, "X-Repo-Commit")).isNotEmpty();
    assertThat(header(calls.get(resolve), "X-Linked-Size")).isEqualTo("99999");
    assertThat(header(calls.get(resolve), "X-Linked-ETag")).isEqualTo("\"0000\"");
    assertThat(header(calls.get(resolve), "X-Linked-Size")).isEqualTo("100000");
  }

  @Test
  void stallsForEverAtAByte() throws Exception {
    hub.fault(FILE, Fault.Stall.forEver(1234), 1);

    var request = HttpRequest.newBuilder(at).build();
    try (var http = HttpClient.newHttpClient()) {
      var body = http.send(request, HttpResponse.BodyHandlers.ofInputStream()).body();
      assertThat(body.readNBytes(1234)).isEqualTo(Arrays.copyOf(right, 1234));
      var more = Thread.ofVirtual().start(() -> readOne(body));
      assertThat(more.join(Duration.ofMillis(300))).isFalse();
      http.shutdownNow();
      assertThat(more.join(Duration.ofSeconds(5))).isTrue();
    }
  }

  private static void readOne(java.io.InputStream body) {
    try {
      assertThat(body.read()).isNegative();
    } catch (IOException e) {
      // that it ends is what counts
    }
  }

  @Test
  void swallowsHangsUpDawdlesAndMoves() throws Exception {
    hub.fault("/api", new Fault.BlackHole(), 1)
        .fault("/api", new Fault.Late(Duration.ofMillis(200)), 1)
        .fault("/api", new Fault.MovedTo(308, URI.create("http://other.example")), 1)
        .fault("/api", When.always(), new Fault.HangUp());
    var api = URI.create(hub.endpoint() + "/api/models/flora/tiny?blobs=true");
    var impatient = HttpRequest.newBuilder(api).timeout(Duration.ofMillis(300)).build();

    try (var http = HttpClient.newHttpClient()) {
      assertThatThrownBy(() -> http.send(impatient, HttpResponse.BodyHandlers.discarding()))
          .isInstanceOf(HttpTimeoutException.class);
    }
    long start = System.nanoTime();
    assertThat(calls.get(api, null).statusCode()).isEqualTo(200);
    assertThat(System.nanoTime() - start).isGreaterThan(200_000_000L);
    var moved = calls.get(api, null);
    assertThat(moved.statusCode()).isEqualTo(308);
    assertThat(HubCalls.location(moved))
        .isEqualTo("http://other.example/api/models/flora/tiny?blobs=true");
    // HttpClient repeats what broke before the first byte, so this lasts
    assertThatThrownBy(() -> calls.get(api, null)).isInstanceOf(IOException.class);
  }

  @Test
  void forgetsOnThePageOfARevisionWhatMirrorsForget() throws Exception {
    hub.add(FakeRepo.model("flora/two").file("a.json", "{}").noise(FILE, 1000))
        .fault(FILE, new Fault.NoDigest(), 1)
        .fault("a.json", new Fault.NameOnly(), 1);
    var page = "/api/models/flora/two/revision/main?blobs=true";

    var odd = text(calls.get(page));
    var whole = text(calls.get(page));

    assertThat(odd).contains("{\"rfilename\":\"a.json\"}", "\"lfs\":{\"size\":1000,");
    assertThat(whole)
        .contains("{\"rfilename\":\"a.json\",\"size\":2,\"blobId\":\"")
        .contains("\"lfs\":{\"sha256\":\"");
  }

  @Test
  void diesAndListensAgainOnTheSamePort() throws Exception {
    hub.die();
    assertThatThrownBy(() -> calls.get("/api/models/flora/tiny"))
        .isInstanceOf(ConnectException.class);

    hub.revive();
    assertThat(calls.get("/api/models/flora/tiny").statusCode()).isEqualTo(200);
  }

  @Test
  void countsWhatItSent() throws Exception {
    hub.forget();
    hub.fault(FILE, new Fault.Cut(500), 1);

    assertThatThrownBy(() -> calls.get(at, "bytes=10-9999")).isInstanceOf(IOException.class);
    calls.get(at, "bytes=1000-1999");

    assertThat(hub.sent()).extracting(FakeHub.Sent::from).containsExactly(10L, 1000L);
    assertThat(hub.sent()).extracting(FakeHub.Sent::bytes).containsExactly(500L, 1000L);
    assertThat(hub.bytesSent(FILE)).isEqualTo(1500);
    assertThat(hub.seen()).extracting(FakeHub.Seen::range).contains("bytes=1000-1999");
    assertThat(hub.mostConnections()).isBetween(1, 3);
  }
}
