package flora.fakehub;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The JSON pages: model info, dataset info, trees. */
final class HubPages {

  private final FakeHub hub;
  private final Rules rules;

  HubPages(FakeHub hub, Rules rules) {
    this.hub = hub;
    this.rules = rules;
  }

  void answer(Exchange exchange, HubPath.Api api) throws IOException {
    var newId = hub.renamed(api.type(), api.id());
    if (newId.isPresent()) {
      var path = exchange.uri().getRawPath().replace(api.id(), newId.get());
      var query = exchange.uri().getRawQuery();
      Answers.redirect(exchange, 307, query == null ? path : path + "?" + query);
      return;
    }
    var repo = hub.find(api.type(), api.id()).orElse(null);
    if (repo == null || !repo.shows(Answers.token(exchange))) {
      Answers.noSuchRepo(exchange);
      return;
    }
    if (repo.isDisabled()) {
      Answers.disabled(exchange);
      return;
    }
    var tree = hub.tree(repo, api.revision()).orElse(null);
    if (tree == null) {
      Answers.error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + api.revision());
      return;
    }
    if (api.verb().equals("tree")) {
      tree(exchange, api, tree);
    } else {
      Answers.json(exchange, 200, info(exchange, repo, tree));
    }
  }

  private Map<String, Object> info(Exchange exchange, FakeRepo repo, FakeRepo.Tree tree) {
    boolean withBlobs = "true".equalsIgnoreCase(exchange.query().get("blobs"));
    var siblings = new ArrayList<Map<String, Object>>();
    tree.files().forEach((path, blob) -> siblings.add(sibling(path, withBlobs ? blob : null)));
    var info = new LinkedHashMap<String, Object>();
    info.put("_id", tree.commit().substring(0, 24));
    info.put("id", repo.id());
    if (repo.type() == FakeRepo.Type.MODEL) {
      info.put("modelId", repo.id());
    }
    info.put("sha", tree.commit());
    info.put("lastModified", "2024-01-01T00:00:00.000Z");
    info.put("createdAt", "2022-03-02T23:29:04.000Z");
    info.put("private", false);
    info.put("gated", repo.isGated() ? "auto" : false);
    info.put("disabled", false);
    info.put("downloads", 0);
    info.put("likes", 0);
    info.put("tags", List.of());
    info.put("siblings", siblings);
    return info;
  }

  /**
   * @param blob what lies there; null when only names are asked for
   */
  private Map<String, Object> sibling(String path, @Nullable Blob blob) {
    var sibling = new LinkedHashMap<String, Object>();
    sibling.put("rfilename", path);
    if (blob == null) {
      return sibling;
    }
    var lfs = new LinkedHashMap<String, Object>();
    lfs.put("sha256", blob.sha256());
    lfs.put("size", blob.size());
    lfs.put("pointerSize", blob.pointer().length);
    sibling.put("size", blob.size());
    sibling.put("blobId", blob.oid(path));
    boolean isLarge = blob.isLarge(path);
    if (isLarge) {
      sibling.put("lfs", lfs);
    }
    for (var fault : rules.onPage(path)) {
      switch (fault) {
        case Fault.NameOnly _ -> sibling.keySet().retainAll(Set.of("rfilename"));
        case Fault.NoDigest _ -> {
          if (isLarge) {
            lfs.remove("sha256");
          } else {
            sibling.remove("blobId");
          }
        }
      }
    }
    return sibling;
  }

  private void tree(Exchange exchange, HubPath.Api api, FakeRepo.Tree tree) throws IOException {
    var query = exchange.query();
    boolean recursive = "true".equalsIgnoreCase(query.get("recursive"));
    var entries = entries(tree, api.folder(), recursive);
    if (entries.isEmpty() && !api.folder().isEmpty()) {
      Answers.error(exchange, 404, "EntryNotFound", api.folder() + " does not exist");
      return;
    }
    int from = Integer.parseInt(query.getOrDefault("cursor", "0"));
    int limit = Integer.parseInt(query.getOrDefault("limit", Integer.toString(hub.pageSize())));
    int to = Math.min(entries.size(), from + limit);
    if (to < entries.size()) {
      query.put("cursor", Integer.toString(to));
      var next = new ArrayList<String>();
      query.forEach((k, v) -> next.add(k + "=" + URLEncoder.encode(v, StandardCharsets.UTF_8)));
      var base = hub.endpoint().toString();
      var path = exchange.uri().getRawPath().substring(hub.prefix().length());
      exchange
          .answerHeaders()
          .put("Link", "<" + base + path + "?" + String.join("&", next) + ">; rel=\"next\"");
    }
    Answers.json(exchange, 200, entries.subList(from, to));
  }

  private static List<Map<String, Object>> entries(
      FakeRepo.Tree tree, String folder, boolean recursive) {
    var under = folder.isEmpty() ? "" : folder + "/";
    var entries = new TreeMap<String, Map<String, Object>>();
    tree.files()
        .forEach(
            (path, blob) -> {
              if (!path.startsWith(under)) {
                return;
              }
              for (int slash = path.indexOf('/', under.length());
                  slash >= 0;
                  slash = path.indexOf('/', slash + 1)) {
                var parent = path.substring(0, slash);
                entries.putIfAbsent(parent, directory(parent));
                if (!recursive) {
                  return;
                }
              }
              entries.put(path, file(path, blob));
            });
    return List.copyOf(entries.values());
  }

  private static Map<String, Object> directory(String path) {
    var oid = Blob.of(path.getBytes(StandardCharsets.UTF_8)).gitSha1();
    return Map.of("type", "directory", "oid", oid, "size", 0, "path", path);
  }

  private static Map<String, Object> file(String path, Blob blob) {
    var file = new LinkedHashMap<String, Object>();
    file.put("type", "file");
    file.put("oid", blob.oid(path));
    file.put("size", blob.size());
    if (blob.isLarge(path)) {
      file.put(
          "lfs",
          Map.of("oid", blob.sha256(), "size", blob.size(), "pointerSize", blob.pointer().length));
    }
    file.put("path", path);
    return file;
  }
}
