package flora.hub.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import flora.hub.HubSettings;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.ByteArrayResource;

class MirrorTest {

  private static MirrorProperties bind(Map<String, ?> properties) {
    return new Binder(new MapConfigurationPropertySource(properties))
        .bindOrCreate("hub", MirrorProperties.class);
  }

  private static Mirror read(String json) {
    return Json.read(json.getBytes(StandardCharsets.UTF_8), Mirror.class);
  }

  private static Mirrors mirrors(MirrorProperties properties, String hub) {
    var store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return new Mirrors(
        properties,
        HubSettings.of(URI.create(hub)),
        name -> name.equals("FLORA_MIRROR_KEY") ? "open-sesame" : null,
        store,
        Clock.systemUTC());
  }

  private static List<String> names(Mirrors mirrors) {
    return mirrors.list().stream().map(status -> status.mirror().name()).sorted().toList();
  }

  @Test
  void readsTheYamlOfTheGuide() throws Exception {
    var yaml =
        """
        hub:
          mirrors:
            - name: company
              endpoint: https://proxy.example/huggingface-proxy
              headers: { X-Api-Key: "${NO_SUCH_VARIABLE_HERE}" }
              token: COMPANY_HUB_TOKEN
              rank: 10
            - name: university
              kind: files
              endpoint: https://mirror.uni.example/hugging-face
              files: https://mirror.uni.example/hugging-face/{type}/{id}/{path}
              repos: [openai/*, stabilityai/*]
            - name: scope
              kind: modelscope
              endpoint: https://modelscope.cn
              owners: { meta-llama: LLM-Research, Qwen: Qwen, "[*]": AI-ModelScope }
          aliases: { "[old/name]": new/name }
        """;
    var environment = new StandardEnvironment();
    new YamlPropertySourceLoader()
        .load("guide", new ByteArrayResource(yaml.getBytes(StandardCharsets.UTF_8)))
        .forEach(environment.getPropertySources()::addLast);

    var bound = Binder.get(environment).bind("hub", MirrorProperties.class).get();

    assertThat(bound.mirrors())
        .extracting(Mirror::name)
        .containsExactly("company", "university", "scope");
    assertThat(bound.mirrors().getFirst().headers())
        .isEqualTo(Map.of("X-Api-Key", "${NO_SUCH_VARIABLE_HERE}"));
    assertThat(bound.mirrors().get(1).serves("openai/clip")).isTrue();
    assertThat(bound.mirrors().get(2).owners())
        .containsEntry("*", "AI-ModelScope")
        .containsEntry("meta-llama", "LLM-Research");
    assertThat(bound.aliases()).isEqualTo(Map.of("old/name", "new/name"));
  }

  @Test
  void needsANameAndAnAddressOnly() {
    var bound =
        bind(
            Map.of(
                "hub.mirrors[0].name", "lab",
                "hub.mirrors[0].endpoint", "https://hub.lab.example/prefix",
                "hub.mirrors[1].name", "scope",
                "hub.mirrors[1].kind", "modelscope",
                "hub.mirrors[1].endpoint", "https://modelscope.cn",
                "hub.mirrors[1].owners.meta-llama", "LLM-Research"));

    assertThat(bound.mirrors().getFirst())
        .isEqualTo(read("{\"name\":\"lab\",\"endpoint\":\"https://hub.lab.example/prefix\"}"));
    assertThat(bound.mirrors().getFirst().kind()).isEqualTo(Site.Kind.HUGGINGFACE);
    assertThat(bound.mirrors().get(1).revisions()).isEqualTo(Map.of("main", "master"));
    assertThat(bound.mirrors().get(1).owners()).isEqualTo(Map.of("meta-llama", "LLM-Research"));
    assertThat(bind(Map.of()).wellKnownMirrors()).isTrue();
    assertThat(bind(Map.of("hub.max_p95_ms", "50")).maxP95Ms()).isEqualTo(50);
  }

  @Test
  void survivesTheStore() {
    var mirror =
        read(
            """
            {"name": "uni", "kind": "files", "endpoint": "https://mirror.uni.example",
             "files": "https://mirror.uni.example/hugging-face/{type}/{id}/{path}",
             "headers": {"X-Key": "${FLORA_MIRROR_KEY}"}, "token": "FLORA_MIRROR_TOKEN",
             "rank": 7, "enabled": false, "max_connections": 3, "repos": ["acme/*"]}
            """);

    assertThat(Json.read(Json.bytes(mirror), Mirror.class)).isEqualTo(mirror);
    assertThat(mirror.serves("acme/model")).isTrue();
    assertThat(mirror.serves("other/acme")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'name':'A b','endpoint':'https://a.example'}|name: expected [a-z0-9]",
        "{'name':'true','endpoint':'https://a.example'}|name: expected",
        "{'name':'a'}|endpoint",
        "{'name':'a','endpoint':'ftp://a.example'}|endpoint: expected http(s)",
        "{'name':'a','endpoint':'https://me:pass@a.example'}|${NAME}",
        "{'name':'a','endpoint':'https://a.example','files':'https://a.example/{id}'}|{path}",
        "{'name':'a','endpoint':'https://a.example','files':'https://a.example/{repo}/{path}'}|{repo}",
        "{'name':'a','endpoint':'https://a.example','files':'{id}/{path}'}|files is no address",
        "{'name':'a','endpoint':'https://a.example','token':'hf_abc def'}|token: expected the name",
        "{'name':'a','endpoint':'https://a.example','max_connections':0}|max_connections: expected 1",
        "{'name':'a','endpoint':'https://a.example','rank':-1}|rank: expected 0",
        "{'name':'a','endpoint':'https://a.example','headers':{'a b':'c'}}|headers: expected names",
        "{'name':'a','kind':'files','endpoint':'https://a.example','api':'https://a/{id}'}|api: expected none",
      })
  void namesTheFieldAndWhatItShouldBe(String json, String named) {
    assertThatThrownBy(() -> read(json.replace('\'', '"')))
        .hasStackTraceContaining(named)
        .message()
        .doesNotContain("pass@", "hf_abc");
  }

  @Test
  void refusesTwoOfOneName() {
    var twice =
        Map.of(
            "hub.mirrors[0].name", "a",
            "hub.mirrors[0].endpoint", "https://a.example",
            "hub.mirrors[1].name", "a",
            "hub.mirrors[1].endpoint", "https://b.example");

    assertThatThrownBy(() -> bind(twice)).hasStackTraceContaining("two named a");
  }

  @Test
  void knowsPublicMirrorsOfTheOfficialHubOnly() {
    var on = bind(Map.of("hub.probe-every", "0s"));
    var off = bind(Map.of("hub.well-known-mirrors", "false"));

    try (var official = mirrors(on, "https://huggingface.co");
        var own = mirrors(on, "https://hub.example");
        var without = mirrors(off, "https://huggingface.co")) {
      assertThat(names(official)).containsExactly("hf-mirror", "hub", "modelscope");
      assertThat(names(own)).containsExactly("hub");
      assertThat(names(without)).containsExactly("hub");
    }
  }

  @Test
  void keepsNoSecretInTheStoreAndShowsNone() {
    var clear =
        read(
            """
            {"name": "a", "endpoint": "https://a.example", "headers": {"X-Api-Key": "hush"}}
            """);
    var others =
        read(
            """
            {"name": "a", "endpoint": "https://a.example", "headers": {"X": "${AWS_SECRET}"}}
            """);
    var token = read("{\"name\":\"a\",\"endpoint\":\"https://a.example\",\"token\":\"HF_TOKEN\"}");
    var right =
        read(
            """
            {"name": "a", "endpoint": "https://a.example",
             "headers": {"Authorization": "Bearer ${FLORA_MIRROR_KEY}", "X-Lab": "seven"}}
            """);
    try (var mirrors = mirrors(MirrorProperties.of(), "https://hub.example")) {
      for (var refused : List.of(clear, others, token)) {
        assertThatThrownBy(() -> mirrors.put(refused))
            .isInstanceOf(MirrorException.Invalid.class)
            .message()
            .doesNotContain("hush");
      }

      var shown = mirrors.put(right);

      assertThat(shown.mirror().headers())
          .containsEntry("Authorization", "Bearer ${FLORA_MIRROR_KEY}")
          .containsEntry("X-Lab", "***");
      assertThat(shown.toString() + clear).doesNotContain("hush", "open-sesame", "seven");
      assertThatThrownBy(() -> mirrors.put(read("{\"name\":\"hub\",\"endpoint\":\"http://a\"}")))
          .isInstanceOf(MirrorException.Invalid.class);
    }
  }

  @Test
  void sendsItsHeadersFromTheEnvironmentToItselfAlone() throws Exception {
    var seen = new CopyOnWriteArrayList<String>();
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          var headers = exchange.getRequestHeaders();
          seen.add(headers.getFirst("Host") + " " + headers.getFirst("X-Key"));
          if (exchange.getRequestURI().getPath().startsWith("/first")) {
            exchange
                .getResponseHeaders()
                .set("Location", "http://localhost:" + server.getAddress().getPort() + "/second");
            exchange.sendResponseHeaders(307, -1);
          } else {
            exchange.sendResponseHeaders(404, -1);
          }
          exchange.close();
        });
    server.start();
    int port = server.getAddress().getPort();
    var mirror =
        read(
            """
            {"name": "keyed", "endpoint": "http://127.0.0.1:%d/first",
             "headers": {"X-Key": "${FLORA_MIRROR_KEY}"}}
            """
                .formatted(port));
    try (var mirrors = mirrors(MirrorProperties.of(mirror), "https://hub.example")) {
      assertThatThrownBy(() -> mirrors.locate(RepoType.MODEL, new RepoId("a/b"), "main", "keyed"))
          .message()
          .doesNotContain("open-sesame");
    } finally {
      server.stop(0);
    }

    assertThat(seen)
        .contains("127.0.0.1:%d open-sesame".formatted(port), "localhost:%d null".formatted(port))
        .noneMatch(line -> line.startsWith("localhost") && line.contains("open-sesame"));
  }
}
