package flora.hub.plan;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.FileSource;
import flora.hub.FileStream;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.MirrorStatus;
import flora.hub.plan.PlanReport.MirrorEstimate;
import flora.hub.plan.PlanReport.Verdict;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoRole;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ForecastTest {

  private static final long MEGABYTE = 1_000_000;

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Archive archive = new Archive(store);
  private final HubFile config = file("config.json", 1_000);
  private final HubFile weights = file("model.safetensors", 640 * MEGABYTE);

  @BeforeEach
  void start() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private static HubFile file(String path, long size) {
    return new HubFile(path, size, null, Sha256.sum(path.getBytes(StandardCharsets.UTF_8)));
  }

  private void keep(HubFile file) {
    var known = new Verified(file.sha256(), file.size(), "lfs-sha256", "hub", Instant.EPOCH);
    archive.put(StoreLayout.MODELS, file.sha256(), new byte[(int) file.size()]);
    archive.mark(StoreLayout.MODELS, file, known);
  }

  /** A file of the plan at a place of this name; a plan asks for no byte of it. */
  private record At(String name) implements FileSource {
    @Override
    public int maxConnections() {
      return 1;
    }

    @Override
    public boolean isUsable() {
      return true;
    }

    @Override
    public FileStream open(long from, long to) {
      throw new AssertionError("a forecast reads nothing");
    }

    @Override
    public void moved(long bytes, Duration time) {}

    @Override
    public void failed(HubException e) {}

    @Override
    public void lied(String what) {}
  }

  /** A repository of two files; the last of the places has the small one alone. */
  private PlannedDownload planned(String repo, List<HubFile> files, String... places) {
    var listing = new RepoListing(RepoType.MODEL, new RepoId(repo), "main", "c".repeat(40), files);
    var plan = new DownloadPlan(RepoRole.BASE_MODEL, listing, files, List.of("a word"), List.of());
    return new PlannedDownload(
        plan,
        new RepoCopies() {
          @Override
          public RepoListing listing() {
            return listing;
          }

          @Override
          public List<FileSource> sources(HubFile file) {
            var names = List.of(places);
            var having =
                file.size() > 1_000 && names.size() > 1
                    ? names.subList(0, names.size() - 1)
                    : names;
            return having.stream().<FileSource>map(At::new).toList();
          }

          @Override
          public Optional<String> listedBy() {
            return Optional.of(places[0]);
          }
        });
  }

  private static MirrorStatus place(
      String name, MirrorStatus.Made made, int connections, @Nullable Long rate) {
    return place(name, made, connections, rate, MirrorStatus.Circuit.CLOSED, false, false, null);
  }

  private static MirrorStatus place(
      String name,
      MirrorStatus.Made made,
      int connections,
      @Nullable Long rate,
      MirrorStatus.Circuit circuit,
      boolean slow,
      boolean lagging,
      @Nullable String lost) {
    var mirror =
        new Mirror(
            name,
            Site.Kind.HUGGINGFACE,
            URI.create("https://" + name + ".example"),
            null,
            null,
            Map.of(),
            null,
            Map.of(),
            Map.of(),
            100,
            true,
            connections,
            List.of());
    var latency = rate == null ? null : 20L;
    return new MirrorStatus(
        mirror, made, circuit, null, latency, latency, rate, null, slow, lagging, lost);
  }

  private ObjectStore withRoom(long bytes) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (_, method, arguments) ->
                method.getName().equals("freeBytes")
                    ? Optional.of(bytes)
                    : method.invoke(store, arguments));
  }

  private static MirrorEstimate estimate(PlanReport report, String name) {
    return report.mirrors().stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void countsWhatIsPresentAndWhatEachPlaceCouldGive() throws Exception {
    keep(config);

    var report =
        new Forecast(archive)
            .report(
                List.of(planned("a/b", List.of(config, weights), "hub.example", "near", "small")),
                List.of(
                    place("hub", MirrorStatus.Made.ORIGIN, 16, MEGABYTE),
                    place("near", MirrorStatus.Made.API, 8, 10 * MEGABYTE),
                    place("small", MirrorStatus.Made.API, 8, MEGABYTE),
                    place("new", MirrorStatus.Made.API, 8, null)));

    var repository = report.repositories().getFirst();
    assertThat(repository.files())
        .extracting(PlanReport.PlannedFile::present)
        .containsExactly(true, false);
    assertThat(repository.files().get(1).sources()).containsExactly("hub.example", "near");
    assertThat(repository.warnings()).containsExactly("a word");
    assertThat(report.files()).isEqualTo(2);
    assertThat(report.bytes()).isEqualTo(640 * MEGABYTE + 1_000);
    assertThat(report.presentBytes()).isEqualTo(1_000);
    assertThat(report.toFetchBytes()).isEqualTo(640 * MEGABYTE);
    // 640 MB over 16 connections of 1 MB/s each, over 8 of 10 MB/s each
    assertThat(estimate(report, "hub.example").estimatedSeconds()).isEqualTo(40);
    assertThat(estimate(report, "near").estimatedSeconds()).isEqualTo(8);
    assertThat(estimate(report, "near").bytesPerSecond()).isEqualTo(10 * MEGABYTE);
    assertThat(estimate(report, "small"))
        .returns(1, MirrorEstimate::files)
        .returns(1_000L, MirrorEstimate::bytes)
        .returns(0L, MirrorEstimate::missingBytes)
        .returns(0L, MirrorEstimate::estimatedSeconds);
    assertThat(estimate(report, "new"))
        .returns(0, MirrorEstimate::files)
        .returns(null, MirrorEstimate::estimatedSeconds)
        .returns(Verdict.UNKNOWN, MirrorEstimate::verdict);
  }

  @Test
  void countsBytesThatTwoRepositoriesShareOnce() throws Exception {
    var report =
        new Forecast(archive)
            .report(
                List.of(
                    planned("a/b", List.of(weights), "hub"),
                    planned("c/d", List.of(weights, config), "hub")),
                List.of());

    assertThat(report.files()).isEqualTo(3);
    assertThat(report.bytes()).isEqualTo(2 * 640 * MEGABYTE + 1_000);
    assertThat(report.toFetchBytes()).isEqualTo(640 * MEGABYTE + 1_000);
  }

  @Test
  void saysWhatToThinkOfEachPlace() throws Exception {
    var api = MirrorStatus.Made.API;
    var closed = MirrorStatus.Circuit.CLOSED;

    var report =
        new Forecast(archive)
            .report(
                List.of(),
                List.of(
                    place("good", api, 1, 1L),
                    place("late", api, 1, 1L, closed, true, false, null),
                    place("old", api, 1, 1L, closed, true, true, null),
                    place("broken", api, 1, 1L, MirrorStatus.Circuit.OPEN, true, true, null),
                    place("back", api, 1, 1L, MirrorStatus.Circuit.HALF_OPEN, false, false, null),
                    place("lists", api, 1, 1L, closed, true, true, "cdn.example")));

    assertThat(report.mirrors())
        .extracting(MirrorEstimate::verdict)
        .containsExactly(
            Verdict.OK,
            Verdict.SLOW,
            Verdict.LAGGING,
            Verdict.RESTING,
            Verdict.OK,
            Verdict.METADATA_ONLY);
  }

  @Test
  void warnsOfTooLittleRoom() throws Exception {
    var report =
        new Forecast(new Archive(withRoom(MEGABYTE)))
            .report(List.of(planned("a/b", List.of(weights), "hub")), List.of());

    assertThat(report.diskFreeBytes()).isEqualTo(MEGABYTE);
    assertThat(report.warnings()).singleElement().asString().contains("640000000", "1000000");
  }
}
