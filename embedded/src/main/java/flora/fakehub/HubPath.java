package flora.fakehub;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** What a request's path asks for. Slashes within a revision come encoded. */
sealed interface HubPath {

  /** {@code /api/models/{id}[/revision/{rev}|/tree/{rev}[/{folder}]]}. */
  record Api(FakeRepo.Type type, String id, String verb, String revision, String folder)
      implements HubPath {}

  /** {@code [/datasets]/{id}/resolve/{rev}/{path}}. */
  record Resolve(FakeRepo.Type type, String id, String revision, String path) implements HubPath {}

  /** {@code /api/resolve-cache/{models|datasets}/{id}/{commit}/{path}}, ids of two parts or one. */
  record Cached(FakeRepo.Type type, String id, String commit, String path) implements HubPath {}

  /** Anything else. */
  record Unknown() implements HubPath {}

  static HubPath of(String rawPath) {
    var parts =
        Arrays.stream(rawPath.substring(1).split("/", -1))
            .map(part -> URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8))
            .toList();
    if (parts.size() >= 3 && parts.get(0).equals("api")) {
      if (parts.get(1).equals("resolve-cache")) {
        return cached(type(parts.get(2)), parts.subList(3, parts.size()));
      }
      if (parts.get(1).equals("models") || parts.get(1).equals("datasets")) {
        return api(type(parts.get(1)), parts.subList(2, parts.size()));
      }
      return new Unknown();
    }
    return parts.get(0).equals("datasets")
        ? resolve(FakeRepo.Type.DATASET, parts.subList(1, parts.size()))
        : resolve(FakeRepo.Type.MODEL, parts);
  }

  private static FakeRepo.Type type(String api) {
    return api.equals("datasets") ? FakeRepo.Type.DATASET : FakeRepo.Type.MODEL;
  }

  private static HubPath api(FakeRepo.Type type, List<String> parts) {
    for (int at = 1; at <= 2 && at < parts.size(); at++) {
      var verb = parts.get(at);
      if ((verb.equals("revision") || verb.equals("tree")) && parts.size() > at + 1) {
        return new Api(
            type,
            String.join("/", parts.subList(0, at)),
            verb,
            parts.get(at + 1),
            String.join("/", parts.subList(at + 2, parts.size())));
      }
    }
    return parts.size() <= 2
        ? new Api(type, String.join("/", parts), "revision", "main", "")
        : new Unknown();
  }

  private static HubPath resolve(FakeRepo.Type type, List<String> parts) {
    for (int at = 1; at <= 2 && at + 2 < parts.size(); at++) {
      if (parts.get(at).equals("resolve")) {
        return new Resolve(
            type,
            String.join("/", parts.subList(0, at)),
            parts.get(at + 1),
            String.join("/", parts.subList(at + 2, parts.size())));
      }
    }
    return new Unknown();
  }

  private static HubPath cached(FakeRepo.Type type, List<String> parts) {
    for (int at = 1; at <= 2 && at + 1 < parts.size(); at++) {
      if (parts.get(at).matches("[0-9a-f]{40}")) {
        return new Cached(
            type,
            String.join("/", parts.subList(0, at)),
            parts.get(at),
            String.join("/", parts.subList(at + 1, parts.size())));
      }
    }
    return new Unknown();
  }
}
