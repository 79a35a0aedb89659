package flora.hub.mirror;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import flora.hub.Site;
import flora.hub.UrlTemplate;
import flora.schemas.Names;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.ConstructorBinding;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * A place that has copies of the hub's repositories, as it is configured. A value of {@code
 * headers} may be {@code ${NAME}}: that variable of the service's environment, which is read when a
 * request is made and stands nowhere else.
 *
 * @param name how it is called, {@value flora.schemas.Names#RULE}; also in {@code use_mirror}
 * @param kind what it speaks
 * @param endpoint its address, with a path prefix that every URL keeps
 * @param api template of the address of a repository's pages, with {@code {type_prefix} {type} {id}
 *     {owner} {name}}; null for what its kind has
 * @param files template of the address of a file, with {@code {revision} {path}} besides; null for
 *     what its kind has
 * @param headers that go with every request to it and to no other host
 * @param token name of the variable of the environment that holds its token; null for none
 * @param owners what owners of the hub are called there; {@code *} for all others
 * @param revisions what revisions of the hub are called there
 * @param rank lower is asked first while nothing has been measured
 * @param enabled whether it takes part
 * @param maxConnections to it at once
 * @param repos which repositories it may serve, such as {@code acme/*}; empty for all
 */
public record Mirror(
    String name,
    Site.Kind kind,
    URI endpoint,
    @Nullable String api,
    @Nullable String files,
    Map<String, String> headers,
    @Nullable String token,
    Map<String, String> owners,
    Map<String, String> revisions,
    int rank,
    boolean enabled,
    int maxConnections,
    List<String> repos) {

  /** Rank of a mirror that says none. */
  static final String RANK = "100";

  private static final int MOST_CONNECTIONS = 64;
  private static final String HEADER_NAME = "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}";
  private static final String VARIABLE = "[A-Za-z_][A-Za-z0-9_]{0,127}";

  @ConstructorBinding
  public Mirror(
      String name,
      @DefaultValue("huggingface") Site.Kind kind,
      URI endpoint,
      @Nullable String api,
      @Nullable String files,
      @DefaultValue Map<String, String> headers,
      @Nullable String token,
      @DefaultValue Map<String, String> owners,
      @DefaultValue Map<String, String> revisions,
      @DefaultValue(RANK) int rank,
      @DefaultValue("true") boolean enabled,
      @DefaultValue("16") int maxConnections,
      @DefaultValue List<String> repos) {
    this.name = name;
    this.kind = kind;
    this.endpoint = endpoint;
    this.api = api;
    this.files = files;
    this.headers = Map.copyOf(headers);
    this.token = token == null || token.isBlank() ? null : token;
    this.owners = Map.copyOf(owners);
    this.revisions =
        revisions.isEmpty() && kind == Site.Kind.MODELSCOPE
            ? Map.of("main", "master")
            : Map.copyOf(revisions);
    this.rank = rank;
    this.enabled = enabled;
    this.maxConnections = maxConnections;
    this.repos = List.copyOf(repos);
    check();
  }

  @JsonCreator
  static Mirror read(
      @JsonProperty("name") @Nullable String name,
      @JsonProperty("kind") Site.@Nullable Kind kind,
      @JsonProperty("endpoint") @Nullable URI endpoint,
      @JsonProperty("api") @Nullable String api,
      @JsonProperty("files") @Nullable String files,
      @JsonProperty("headers") @Nullable Map<String, String> headers,
      @JsonProperty("token") @Nullable String token,
      @JsonProperty("owners") @Nullable Map<String, String> owners,
      @JsonProperty("revisions") @Nullable Map<String, String> revisions,
      @JsonProperty("rank") @Nullable Integer rank,
      @JsonProperty("enabled") @Nullable Boolean enabled,
      @JsonProperty("max_connections") @Nullable Integer maxConnections,
      @JsonProperty("repos") @Nullable List<String> repos) {
    if (name == null || endpoint == null) {
      throw new IllegalArgumentException("a mirror needs a name and an endpoint");
    }
    return new Mirror(
        name,
        kind == null ? Site.Kind.HUGGINGFACE : kind,
        endpoint,
        api,
        files,
        headers == null ? Map.of() : headers,
        token,
        owners == null ? Map.of() : owners,
        revisions == null ? Map.of() : revisions,
        rank == null ? Integer.parseInt(RANK) : rank,
        enabled == null || enabled,
        maxConnections == null ? 16 : maxConnections,
        repos == null ? List.of() : repos);
  }

  private void check() {
    require(
        Names.isSafe(name) && !List.of("true", "false", "origin").contains(name),
        "name",
        name,
        Names.RULE + ", and neither true, false nor origin");
    var scheme = String.valueOf(endpoint.getScheme());
    require(
        endpoint.getHost() != null && (scheme.equals("http") || scheme.equals("https")),
        "endpoint",
        endpoint.getUserInfo() == null ? endpoint.toString() : "one with a password",
        "http(s)://host[:port][/prefix]");
    require(
        endpoint.getUserInfo() == null && endpoint.getQuery() == null,
        "endpoint",
        "one with a user, password or query",
        "http(s)://host[:port][/prefix]; secrets belong into headers as ${NAME}");
    if (api != null) {
      UrlTemplate.parse(field("api"), api, UrlTemplate.OF_PAGES, "{id}");
    }
    if (files != null) {
      UrlTemplate.parse(field("files"), files, UrlTemplate.OF_FILES, "{path}");
    }
    require(
        api == null || kind == Site.Kind.HUGGINGFACE,
        "api",
        "a template",
        "none: only mirrors of kind huggingface have pages at other addresses");
    require(
        token == null || token.matches(VARIABLE),
        "token",
        "something else",
        "the name of a variable of the environment, not the token itself");
    headers.forEach(
        (header, value) -> {
          require(header.matches(HEADER_NAME), "headers", header, "names of HTTP headers");
          require(
              value.chars().allMatch(c -> c >= ' ' && c < 127),
              "headers",
              "a value with other characters",
              "printable ASCII");
        });
    require(
        maxConnections >= 1 && maxConnections <= MOST_CONNECTIONS,
        "max_connections",
        Integer.toString(maxConnections),
        "1 to " + MOST_CONNECTIONS);
    require(rank >= 0, "rank", Integer.toString(rank), "0 or more");
  }

  private void require(boolean holds, String field, String found, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: expected %s, got %s".formatted(field(field), expected, found));
    }
  }

  private String field(String field) {
    return (Names.isSafe(name) ? "mirror " + name : "a mirror") + ", " + field;
  }

  /** Whether it may serve a repository. */
  boolean serves(String repo) {
    return repos.isEmpty() || repos.stream().anyMatch(glob -> Globs.matches(glob, repo));
  }

  /** The same, on or off. */
  public Mirror enabled(boolean on) {
    return new Mirror(
        name,
        kind,
        endpoint,
        api,
        files,
        headers,
        token,
        owners,
        revisions,
        rank,
        on,
        maxConnections,
        repos);
  }

  /**
   * The same without what may be a secret: a header's value is shown only when it is a reference.
   */
  public Mirror shown() {
    var shown = new TreeMap<String, String>();
    headers.forEach((key, value) -> shown.put(key, Secrets.isReference(value) ? value : "***"));
    return new Mirror(
        name,
        kind,
        endpoint,
        api,
        files,
        shown,
        token,
        owners,
        revisions,
        rank,
        enabled,
        maxConnections,
        repos);
  }

  @Override
  public String toString() {
    return "Mirror[name=%s, kind=%s, endpoint=%s, headers=%s]"
        .formatted(name, kind, endpoint, headers.keySet());
  }
}
