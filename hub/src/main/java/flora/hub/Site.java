package flora.hub;

import com.fasterxml.jackson.annotation.JsonProperty;
import flora.store.Secret;
import java.net.URI;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One place that has repositories: the hub itself or a mirror of it, with everything that a request
 * to it needs. It holds secrets, so it is neither stored nor shown.
 *
 * @param name as in events and messages
 * @param kind what it speaks
 * @param endpoint its address, with the path prefix that every URL keeps
 * @param api template of its pages' addresses; null for what its kind has
 * @param files template of its files' addresses; null for what its kind has
 * @param headers that it wants with every request; no other host gets them
 * @param token secret of an account; empty for none
 * @param tokenHosts hosts ({@code name} or {@code name:port}) that may see the token; the official
 *     one only over TLS
 * @param accounts the hub that people have their accounts at, where they accept the terms of gated
 *     repositories: for a mirror another one than itself
 * @param owners what owners of the hub are called there; {@code *} stands for all others
 * @param revisions what revisions of the hub are called there
 */
public record Site(
    String name,
    Kind kind,
    URI endpoint,
    @Nullable String api,
    @Nullable String files,
    Map<String, Secret> headers,
    Secret token,
    Set<String> tokenHosts,
    URI accounts,
    Map<String, String> owners,
    Map<String, String> revisions) {

  /** What a place speaks. */
  public enum Kind {
    /** Paths and headers of the Hugging Face Hub. */
    @JsonProperty("huggingface")
    HUGGINGFACE,
    /** ModelScope's own API. */
    @JsonProperty("modelscope")
    MODELSCOPE,
    /** Files at addresses that can be told from their names; no listing. */
    @JsonProperty("files")
    FILES
  }

  /** The official hub. */
  public static final URI OFFICIAL = URI.create("https://huggingface.co");

  public Site {
    headers = Map.copyOf(headers);
    tokenHosts = Set.copyOf(tokenHosts);
    owners = Map.copyOf(owners);
    revisions = Map.copyOf(revisions);
  }

  /** The hub that these settings name; its name is its host. */
  public static Site origin(HubSettings settings) {
    return new Site(
        String.valueOf(settings.endpoint().getHost()),
        Kind.HUGGINGFACE,
        settings.endpoint(),
        null,
        null,
        Map.of(),
        new Secret(settings.token()),
        Stream.concat(Stream.of(OFFICIAL.getHost()), settings.tokenHosts().stream())
            .collect(Collectors.toSet()),
        settings.endpoint(),
        Map.of(),
        Map.of());
  }

  /** Whether people have their accounts elsewhere. */
  boolean isMirror() {
    return !accounts.equals(endpoint);
  }

  /** The id that a repository has there. */
  String idOf(String id) {
    int slash = id.indexOf('/');
    if (slash < 0) {
      return id;
    }
    var owner = id.substring(0, slash);
    var there = owners.get(owner);
    if (there == null) {
      there = owners.getOrDefault("*", owner);
    }
    return there + id.substring(slash);
  }

  /** The name that a revision has there. */
  String revisionOf(String revision) {
    return revisions.getOrDefault(revision, revision);
  }

  @Override
  public String toString() {
    return "Site[name=" + name + ", kind=" + kind + ", endpoint=" + endpoint + "]";
  }
}
