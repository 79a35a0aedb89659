package flora.standalone.compose;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * The part of a compose file that says what runs: services with command, environment, ports and
 * order. Variables are filled in as compose does, {@code ${NAME:-default}} included.
 *
 * @param services by name, each after those it depends on
 */
record ComposeFile(Map<String, Service> services) {

  /**
   * One service.
   *
   * @param name its name, and its host name for the others
   * @param image the image; null when it is built here
   * @param build build argument {@code SERVICE}; null when it is an image
   * @param command what follows the entry point; empty = the image's own
   * @param environment variables
   * @param ports ports of the container that are open to the outside
   * @param dependsOn services that have to be healthy first
   * @param healthcheck the command that tells; empty when there is none
   */
  record Service(
      String name,
      @Nullable String image,
      @Nullable String build,
      List<String> command,
      Map<String, String> environment,
      List<Integer> ports,
      List<String> dependsOn,
      List<String> healthcheck) {}

  private static final Pattern VARIABLE =
      Pattern.compile("\\$\\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<default>[^}]*))?}");

  /** The services that start without being asked for by a profile. */
  static ComposeFile read(Path file, Map<String, String> variables) throws IOException {
    return read(file, variables, Set.of());
  }

  /** Those, and the ones of these profiles. */
  static ComposeFile read(Path file, Map<String, String> variables, Set<String> profiles)
      throws IOException {
    var yaml = new Yaml(new SafeConstructor(new LoaderOptions()));
    Map<?, ?> root = yaml.load(Files.readString(file));
    var services = new LinkedHashMap<String, Service>();
    map(root.get("services"))
        .forEach(
            (name, value) -> {
              var own = strings(map(value).get("profiles"), variables);
              if (own.isEmpty() || own.stream().anyMatch(profiles::contains)) {
                services.put(name, service(name, map(value), variables));
              }
            });
    return new ComposeFile(inOrder(services));
  }

  private static Service service(
      String name, Map<String, Object> value, Map<String, String> variables) {
    var environment = new LinkedHashMap<String, String>();
    map(value.get("environment"))
        .forEach((k, v) -> environment.put(k, filled(String.valueOf(v), variables)));
    var build = map(value.get("build"));
    return new Service(
        name,
        value.get("image") == null ? null : filled(value.get("image").toString(), variables),
        build.isEmpty() ? null : String.valueOf(map(build.get("args")).get("SERVICE")),
        strings(value.get("command"), variables),
        environment,
        strings(value.get("ports"), variables).stream()
            .map(p -> Integer.valueOf(p.substring(p.lastIndexOf(':') + 1)))
            .toList(),
        List.copyOf(map(value.get("depends_on")).keySet()),
        strings(map(value.get("healthcheck")).get("test"), variables));
  }

  private static Map<String, Service> inOrder(Map<String, Service> services) {
    var order = new LinkedHashSet<String>();
    services.keySet().forEach(name -> visit(name, services, order));
    var sorted = new LinkedHashMap<String, Service>();
    order.forEach(name -> sorted.put(name, found(name, services)));
    return sorted;
  }

  private static void visit(
      String name, Map<String, Service> services, LinkedHashSet<String> order) {
    if (!order.contains(name)) {
      found(name, services).dependsOn().forEach(before -> visit(before, services, order));
      order.add(name);
    }
  }

  /** The service of a name. */
  Service service(String name) {
    return found(name, services);
  }

  private static Service found(String name, Map<String, Service> services) {
    var service = services.get(name);
    if (service == null) {
      throw new IllegalArgumentException("the compose file has no service " + name);
    }
    return service;
  }

  static String filled(String text, Map<String, String> variables) {
    return VARIABLE
        .matcher(text)
        .replaceAll(
            match -> {
              var value = variables.get(match.group("name"));
              var standard = match.group("default") == null ? "" : match.group("default");
              return java.util.regex.Matcher.quoteReplacement(
                  value == null || value.isEmpty() ? standard : value);
            });
  }

  private static List<String> strings(@Nullable Object list, Map<String, String> variables) {
    var strings = new ArrayList<String>();
    if (list instanceof List<?> items) {
      items.forEach(item -> strings.add(filled(String.valueOf(item), variables)));
    }
    return strings;
  }

  private static Map<String, Object> map(@Nullable Object value) {
    var map = new LinkedHashMap<String, Object>();
    if (value instanceof Map<?, ?> given) {
      given.forEach((k, v) -> map.put(String.valueOf(k), v));
    }
    return map;
  }
}
