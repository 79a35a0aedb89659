package flora.fakehub;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code resolve}, where it redirects to, and small files. */
final class FileAnswers {

  /** How the hub itself redirects: large files with 302, small ones with 307. */
  private static final Redirects LARGE = Redirects.with(302);

  private static final Redirects SMALL = Redirects.with(307);

  private final FakeHub hub;
  private final Rules rules;
  private final FileBytes bytes;

  FileAnswers(FakeHub hub, Rules rules, FileBytes bytes) {
    this.hub = hub;
    this.rules = rules;
    this.bytes = bytes;
  }

  /** Small files redirect within the hub, large ones to the content network. */
  void resolve(Exchange exchange, HubPath.Resolve wanted) throws IOException {
    var newId = hub.renamed(wanted.type(), wanted.id());
    if (newId.isPresent()) {
      Answers.redirect(
          exchange, 307, exchange.uri().getRawPath().replace(wanted.id(), newId.get()));
      return;
    }
    var token = Answers.token(exchange);
    var repo = hub.find(wanted.type(), wanted.id()).orElse(null);
    if (repo == null || !repo.shows(token)) {
      Answers.noSuchRepo(exchange);
      return;
    }
    if (repo.isDisabled()) {
      Answers.disabled(exchange);
      return;
    }
    if (!repo.lets(token)) {
      gated(exchange, repo, token);
      return;
    }
    var tree = hub.tree(repo, wanted.revision()).orElse(null);
    if (tree == null) {
      Answers.error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + wanted.revision());
      return;
    }
    var blob = tree.files().get(wanted.path());
    if (blob == null) {
      exchange.answerHeaders().put("X-Repo-Commit", tree.commit());
      Answers.error(exchange, 404, "EntryNotFound", "Entry not found");
      return;
    }
    var metadata = metadata(tree, wanted.path(), blob);
    var redirects = hub.redirects().orElse(blob.isLarge(wanted.path()) ? LARGE : SMALL);
    int hop = Integer.parseInt(exchange.query().getOrDefault("hop", "0"));
    if (hop == redirects.metadataAt()) {
      exchange.answerHeaders().putAll(metadata);
    }
    var location =
        hop < redirects.hops() - 1
            ? nextHop(exchange, redirects.style(), "?hop=" + (hop + 1))
            : goal(wanted, repo, tree, blob, redirects, metadata);
    Answers.redirect(exchange, redirects.status(), location);
  }

  private Map<String, String> metadata(FakeRepo.Tree tree, String path, Blob blob) {
    var metadata = new LinkedHashMap<String, String>();
    if (hub.isBare(path)) {
      return metadata;
    }
    metadata.put("X-Repo-Commit", tree.commit());
    if (blob.isLarge(path)) {
      metadata.put("X-Linked-Size", Long.toString(blob.size()));
      metadata.put("X-Linked-ETag", '"' + blob.sha256() + '"');
      if (hub.isOnXet()) {
        var api = hub.endpoint() + "/api/models/xet-read-token/" + tree.commit();
        metadata.put("X-Xet-Hash", blob.sha256());
        metadata.put("Link", "<%s>; rel=\"xet-auth\"".formatted(api));
      }
    }
    for (var fault : rules.onResolve(path)) {
      switch (fault) {
        case Fault.NoCommit _ -> metadata.remove("X-Repo-Commit");
        case Fault.NoLinks _ -> metadata.keySet().removeIf(name -> name.startsWith("X-Linked-"));
        case Fault.WrongLinkedSize wrong ->
            metadata.replace("X-Linked-Size", Long.toString(blob.size() + wrong.by()));
        case Fault.WrongLinkedEtag wrong ->
            metadata.replace("X-Linked-ETag", '"' + wrong.etag() + '"');
      }
    }
    return metadata;
  }

  private String goal(
      HubPath.Resolve wanted,
      FakeRepo repo,
      FakeRepo.Tree tree,
      Blob blob,
      Redirects redirects,
      Map<String, String> metadata) {
    if (blob.isLarge(wanted.path())) {
      boolean late = redirects.metadataAt() >= redirects.hops();
      return hub.sign(redirects.content(), wanted.path(), blob, late ? metadata : Map.of());
    }
    return hub.prefix()
        + "/api/resolve-cache/"
        + wanted.type().api
        + "/"
        + repo.id()
        + "/"
        + tree.commit()
        + "/"
        + encoded(wanted.path())
        + "?etag=%22"
        + blob.gitSha1()
        + "%22";
  }

  private String nextHop(Exchange exchange, Redirects.Style style, String query) {
    var path = exchange.uri().getRawPath();
    return switch (style) {
      case ABSOLUTE -> hub.endpoint().resolve("/").toString().replaceFirst("/$", "") + path + query;
      case ROOTED -> path + query;
      case RELATIVE -> path.substring(path.lastIndexOf('/') + 1) + query;
      case QUERY_ONLY -> query;
    };
  }

  void cached(Exchange exchange, HubPath.Cached wanted) throws IOException {
    var repo = hub.find(wanted.type(), wanted.id()).orElse(null);
    var token = Answers.token(exchange);
    var tree = repo == null ? null : repo.tree(wanted.commit()).orElse(null);
    var blob = tree == null ? null : tree.files().get(wanted.path());
    if (repo == null || blob == null || !repo.shows(token) || !repo.lets(token)) {
      Answers.error(exchange, 404, "EntryNotFound", "Entry not found");
      return;
    }
    if (!hub.isBare(wanted.path()) && hub.redirects().isEmpty()) {
      exchange.answerHeaders().put("X-Repo-Commit", wanted.commit());
    }
    bytes.answer(exchange, wanted.path(), blob, blob.gitSha1(), 206);
  }

  private static void gated(Exchange exchange, FakeRepo repo, @Nullable String token)
      throws IOException {
    var message =
        "Access to model "
            + repo.id()
            + (token == null
                ? " is restricted. You must have access to it and be authenticated to access it."
                : " is restricted and you are not in the authorized list.");
    Answers.error(exchange, token == null ? 401 : 403, "GatedRepo", message);
  }

  private static String encoded(String path) {
    return URLEncoder.encode(path, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
  }
}
