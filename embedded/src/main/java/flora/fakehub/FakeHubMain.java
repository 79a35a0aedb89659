package flora.fakehub;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * A {@link FakeHub} in a process of its own, for measurements that must not share one. Serves each
 * {@code FOLDER/owner/name} as a model, each {@code FOLDER/datasets/owner/name} as a dataset,
 * prints its endpoint as the first line and obeys lines on standard input: {@code sent} (one line
 * of JSON), {@code forget}, {@code die}, {@code revive}. It ends when standard input does.
 *
 * <pre>FakeHubMain FOLDER [--port N] [--shape hub|plain-files|modelscope] [--connection BYTES]
 *   [--link BYTES] [--latency MILLIS] [--wrong-bytes EVERY] [--black-hole] [--stall BYTES]</pre>
 */
public final class FakeHubMain {

  private static final JsonMapper JSON = new JsonMapper();

  private FakeHubMain() {}

  /** Runs it until standard input ends. */
  public static void main(String... args) throws IOException {
    int port = args[1 % args.length].equals("--port") ? Integer.parseInt(args[2]) : 0;
    try (var hub = FakeHub.start(port)) {
      configure(hub, List.of(args).subList(1, args.length));
      addAll(hub, Path.of(args[0]));
      System.out.println(hub.endpoint());
      obey(hub);
    }
  }

  private static void addAll(FakeHub hub, Path folder) throws IOException {
    for (var owner : folders(folder)) {
      for (var name : folders(owner)) {
        if (owner.endsWith("datasets")) {
          for (var dataset : folders(name)) {
            hub.add(FakeRepo.dataset(id(dataset)).folder(dataset));
          }
        } else {
          hub.add(FakeRepo.model(id(name)).folder(name));
        }
      }
    }
  }

  private static String id(Path folder) {
    return folder.subpath(folder.getNameCount() - 2, folder.getNameCount()).toString();
  }

  private static List<Path> folders(Path folder) throws IOException {
    try (var folders = Files.list(folder)) {
      return folders.filter(Files::isDirectory).toList();
    }
  }

  private static void configure(FakeHub hub, List<String> options) {
    var throttle = Throttle.NONE;
    for (int i = 0; i < options.size(); i++) {
      switch (options.get(i)) {
        case "--port" -> i++;
        case "--shape" ->
            hub.shape(Shape.valueOf(options.get(++i).toUpperCase(Locale.ROOT).replace('-', '_')));
        case "--connection" -> throttle = throttle.connection(Long.parseLong(options.get(++i)));
        case "--link" -> throttle = throttle.link(Long.parseLong(options.get(++i)));
        case "--latency" ->
            throttle = throttle.latency(Duration.ofMillis(Long.parseLong(options.get(++i))));
        case "--wrong-bytes" ->
            hub.fault("", When.always(), new Fault.WrongBytes(Long.parseLong(options.get(++i))));
        case "--stall" ->
            hub.fault("", When.always(), Fault.Stall.forEver(Long.parseLong(options.get(++i))));
        case "--black-hole" -> hub.fault("/", When.always(), new Fault.BlackHole());
        default -> throw new IllegalArgumentException("unknown option " + options.get(i));
      }
    }
    hub.throttle(throttle);
  }

  private static void obey(FakeHub hub) throws IOException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null; ) {
      switch (line.strip()) {
        case "sent" ->
            System.out.println(
                JSON.writeValueAsString(
                    Map.of(
                        "bytes", hub.bytesSent(""),
                        "requests", hub.seen().size(),
                        "connections", hub.mostConnections(),
                        "answers", hub.sent())));
        case "forget" -> hub.forget();
        case "die" -> hub.die();
        case "revive" -> hub.revive();
        default -> System.err.println("not one of sent, forget, die, revive: " + line);
      }
    }
  }
}
