package flora.standalone.cli;

import flora.hub.HubProperties;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.schemas.RepoReference;
import flora.schemas.store.StoreLayout;
import flora.standalone.client.InvalidInput;
import flora.standalone.live.LiveFetch;
import flora.standalone.live.Sample;
import flora.store.Secret;
import flora.store.memory.MemoryObjectStore;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code flora test --live}: the hub and the well-known mirrors, as they really are. */
@Command(
    name = "live",
    hidden = true,
    description = {
      "Fetch a tiny repository from the hub and from each well-known mirror, and tell how it went.",
      "Exit codes: 0 one at least gave verified files and none was faulty; 1 otherwise; 3 none could be reached."
    })
final class LiveCommand implements Callable<Integer> {

  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration READ = Duration.ofSeconds(15);
  private static final Duration LIMIT = Duration.ofMinutes(2);

  @Parameters(arity = "0..1", paramLabel = "REPO", description = "fetch this; default: tiny ones")
  @Nullable String repo;

  @Override
  public Integer call() throws InterruptedException {
    var clock = Clock.systemUTC();
    var store = new MemoryObjectStore(clock);
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    var environment = System.getenv();
    RepoReference reference = repo == null ? null : RepoPath.parse(repo, null);
    try (var mirrors =
        new Mirrors(
            wellKnown(),
            hub(environment).settings(),
            environment::get,
            store,
            clock,
            LiveFetch.PATIENCE)) {
      return new LiveFetch(System.out, mirrors, clock, LIMIT)
          .run(mirror -> reference == null ? Sample.of(mirror.kind()) : Sample.whole(reference));
    }
  }

  private static MirrorProperties wellKnown() {
    var none = MirrorProperties.of();
    return new MirrorProperties(
        List.of(),
        true,
        false,
        Map.of(),
        Duration.ZERO,
        none.probeRepository(),
        none.maxP95Ms(),
        none.maxSyncLagS(),
        none.originGraceMs());
  }

  /** As the services read the environment. */
  private static HubProperties hub(Map<String, String> environment) {
    var endpoint = value(environment, "HF_ENDPOINT");
    var authorities = value(environment, "FLORA_CA_FILE");
    try {
      return new HubProperties(
          endpoint.isEmpty() ? null : URI.create(endpoint),
          new Secret(value(environment, "HF_TOKEN")),
          List.of(),
          CONNECT,
          READ,
          new Secret(value(environment, "HTTP_PROXY", "http_proxy")),
          new Secret(value(environment, "HTTPS_PROXY", "https_proxy")),
          value(environment, "NO_PROXY", "no_proxy"),
          authorities.isEmpty() ? null : Path.of(authorities));
    } catch (IllegalArgumentException e) {
      throw new InvalidInput(String.valueOf(e.getMessage()));
    }
  }

  private static String value(Map<String, String> environment, String... names) {
    return Stream.of(names).map(environment::get).filter(Objects::nonNull).findFirst().orElse("");
  }
}
