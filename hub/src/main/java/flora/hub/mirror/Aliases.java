package flora.hub.mirror;

import flora.schemas.RepoId;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;

/** New names of repositories that are no longer found under their old one. */
final class Aliases {

  private final Map<RepoId, RepoId> newNames = new HashMap<>();

  /**
   * @param more from the configuration; they win over those that come with Flora
   */
  Aliases(Map<String, String> more) {
    var known = new Properties();
    try (var in =
        new InputStreamReader(
            Objects.requireNonNull(Aliases.class.getResourceAsStream("aliases.properties")),
            StandardCharsets.UTF_8)) {
      known.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    known.forEach((from, to) -> put("aliases.properties", from.toString(), to.toString()));
    more.forEach((from, to) -> put("hub.aliases", from, to));
  }

  Optional<RepoId> of(RepoId repo) {
    return Optional.ofNullable(newNames.get(repo));
  }

  private void put(String where, String from, String to) {
    try {
      newNames.put(new RepoId(from), new RepoId(to));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s has %s: %s as key and as value".formatted(where, from, e.getMessage()), e);
    }
  }
}
