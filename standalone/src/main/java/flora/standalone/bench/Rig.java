package flora.standalone.bench;

import flora.fakehub.FakeHubMain;
import flora.schemas.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Hubs, an empty store and an engine, each in its process, or the store in the engine's. Hubs are
 * named by their order.
 */
final class Rig implements AutoCloseable {

  /** What a request of the engine took, and its memory before and at the peak, in bytes. */
  record Took(double seconds, long before, long peak) {}

  /** What is fetched often enough is compiled as well as it will be. */
  private static final int WARM_FETCHES = 5;

  private final Path folder;
  private final Path log;
  private final List<Child> hubs = new ArrayList<>();
  private final List<URI> endpoints = new ArrayList<>();
  private final List<Child> stores = new ArrayList<>();
  private final String store;
  private Child engine;
  private List<String> engineOptions = FetchBench.ENGINE_OPTIONS;

  /**
   * Starts all of it and lets the engine fetch something else, so that it is warm as in a service.
   *
   * @param work for the store's data and the log
   * @param repos what the hubs serve
   * @param hubOptions of each hub, as {@link FakeHubMain} has them
   */
  Rig(Path work, Path repos, List<List<String>> hubOptions) throws IOException {
    this(work, repos, hubOptions, false);
  }

  /** One whose engine has the store in its own process, as {@code ./flora up}, or not. */
  Rig(Path work, Path repos, List<List<String>> hubOptions, boolean isOneProcess)
      throws IOException {
    folder = Files.createTempDirectory(work, "store");
    log = work.resolve("bench.log");
    for (var options : hubOptions) {
      var arguments = new ArrayList<>(List.of(repos.toString()));
      arguments.addAll(options);
      hubs.add(Child.java(FakeHubMain.class, log, List.of("-Xmx256m"), arguments));
    }
    for (var hub : hubs) {
      endpoints.add(URI.create(hub.hear()));
    }
    if (isOneProcess) {
      store = folder.toString();
    } else {
      stores.add(Child.java(StoreMain.class, log, List.of("-Xmx1g"), List.of(folder.toString())));
      store = stores.getFirst().hear();
    }
    engine = newEngine();
    warm();
    hubs.forEach(hub -> hub.say("forget"));
  }

  URI hub() {
    return endpoints.getFirst();
  }

  /** Tells a hub to {@code die}, {@code forget} or {@code revive}. */
  void tell(int hub, String what) {
    hubs.get(hub).say(what);
  }

  /** Bytes of files that the first hub has sent since it was told to forget. */
  long sent() {
    var said = hubs.getFirst().ask("sent");
    return Json.read(said.getBytes(StandardCharsets.UTF_8), JsonNode.class).path("bytes").asLong();
  }

  /** Begins something that {@link #finish} waits for. */
  void begin(String what) {
    engine.say(what);
  }

  Took finish() {
    return Json.read(engine.hear().getBytes(StandardCharsets.UTF_8), Took.class);
  }

  Took run(String what) {
    begin(what);
    return finish();
  }

  /** Seconds of a fetch into an empty store. */
  double fetch(String repo) {
    run("clear");
    return run("fetch " + repo).seconds();
  }

  /** {@code kill -9} for the engine, and another one on the same store. */
  void replaceEngine() throws InterruptedException {
    engine.kill();
    engine = newEngine();
  }

  /** A fresh engine with these options for its process. */
  void replaceEngine(List<String> options) throws InterruptedException {
    engineOptions = options;
    replaceEngine();
  }

  /** Another engine on the same store, as warm, which knows nothing of the mirrors. */
  void renewEngine() throws InterruptedException {
    replaceEngine();
    warm();
  }

  /** By the hub alone: how the mirrors do is to be found out later. */
  private void warm() {
    for (int i = 0; i < WARM_FETCHES; i++) {
      run("clear");
      run("fetch " + BenchFiles.WARM + " false");
    }
  }

  private Child newEngine() {
    var arguments = new ArrayList<>(List.of(store));
    endpoints.forEach(endpoint -> arguments.add(endpoint.toString()));
    var child = Child.java(EngineMain.class, log, engineOptions, arguments);
    child.hear();
    return child;
  }

  @Override
  public void close() {
    engine.close();
    stores.forEach(Child::close);
    hubs.forEach(Child::close);
    BenchFiles.delete(folder);
  }
}
