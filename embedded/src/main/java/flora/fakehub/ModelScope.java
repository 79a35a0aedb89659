package flora.fakehub;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * {@link Shape#MODELSCOPE}: paths, parameters and the {@code Code/Data/Message/Success} envelope as
 * {@code modelscope/modelscope} ({@code hub/api.py}, {@code hub/file_download.py}) uses them. Every
 * file has its SHA-256, the answer to a range has status 200.
 */
final class ModelScope {

  private static final long COMMITTED = 1_704_067_200;

  private final FakeHub hub;
  private final FileBytes bytes;

  ModelScope(FakeHub hub, FileBytes bytes) {
    this.hub = hub;
    this.bytes = bytes;
  }

  void answer(Exchange exchange) throws IOException {
    var parts =
        Arrays.stream(exchange.uri().getRawPath().substring(hub.prefix().length() + 1).split("/"))
            .map(part -> URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8))
            .toList();
    if (parts.size() >= 5 && parts.subList(0, 2).equals(List.of("api", "v1"))) {
      api(exchange, parts.get(2), parts.subList(3, parts.size()));
    } else if (parts.size() >= 6 && parts.get(3).equals("resolve")) {
      var path = String.join("/", parts.subList(5, parts.size()));
      file(exchange, parts.get(0), parts.get(1) + "/" + parts.get(2), parts.get(4), path);
    } else {
      error(exchange, 404, "page not found");
    }
  }

  /** Datasets are listed by their number, everything else goes by names. */
  private void api(Exchange exchange, String type, List<String> parts) throws IOException {
    var numbered =
        type.equals("datasets")
            ? hub.find(FakeRepo.Type.DATASET, repo -> number(repo.id()).equals(parts.getFirst()))
            : Optional.<FakeRepo>empty();
    var id = numbered.map(FakeRepo::id).orElse(parts.get(0) + "/" + parts.get(1));
    var verb = String.join("/", parts.subList(numbered.isEmpty() ? 2 : 1, parts.size()));
    var query = exchange.query();
    var revision = query.getOrDefault("Revision", "master");
    if (verb.equals("repo") && query.containsKey("FilePath")) {
      file(exchange, type, id, revision, query.get("FilePath"));
      return;
    }
    var tree = find(exchange, type, id, revision);
    if (tree == null) {
      return;
    }
    switch (verb) {
      case "" -> ok(exchange, about(type, parts));
      case "revisions" -> ok(exchange, Map.of("RevisionMap", revisions(tree)));
      case "repo/files" -> files(exchange, tree, false);
      case "repo/tree" -> {
        if (numbered.isEmpty()) {
          error(exchange, 404, "page not found");
        } else {
          files(exchange, tree, true);
        }
      }
      default -> error(exchange, 404, "page not found");
    }
  }

  private static String number(String id) {
    return Integer.toString(id.hashCode() & Integer.MAX_VALUE);
  }

  private static Map<String, Object> about(String type, List<String> parts) {
    var about = new LinkedHashMap<String, Object>();
    about.put("Id", Long.parseLong(number(parts.get(0) + "/" + parts.get(1))));
    about.put(type.equals("models") ? "Path" : "Namespace", parts.get(0));
    about.put("Name", parts.get(1));
    about.put("Visibility", 5);
    about.put("LastUpdatedTime", COMMITTED);
    return about;
  }

  private static Map<String, Object> revisions(FakeRepo.Tree tree) {
    return Map.of(
        "Branches",
        List.of(
            Map.of("Revision", "master", "CommitId", tree.commit(), "CommittedDate", COMMITTED)),
        "Tags",
        List.of());
  }

  private void files(Exchange exchange, FakeRepo.Tree tree, boolean paged) throws IOException {
    var query = exchange.query();
    var root = query.getOrDefault("Root", "").replaceAll("^/|/$", "");
    boolean recursive = "true".equalsIgnoreCase(query.get("Recursive"));
    var under = root.isEmpty() ? "" : root + "/";
    var entries = new TreeMap<String, Map<String, Object>>();
    tree.files()
        .forEach(
            (path, blob) -> {
              if (!path.startsWith(under)) {
                return;
              }
              int slash = path.indexOf('/', under.length());
              for (; slash >= 0; slash = path.indexOf('/', slash + 1)) {
                var parent = path.substring(0, slash);
                entries.putIfAbsent(parent, entry(tree, parent, "tree", 0, "", false));
                if (!recursive) {
                  return;
                }
              }
              entries.put(
                  path, entry(tree, path, "blob", blob.size(), blob.sha256(), blob.isLarge(path)));
            });
    var all = new ArrayList<>(entries.values());
    if (!paged) {
      ok(exchange, Map.of("Files", all));
      return;
    }
    int size = Integer.parseInt(query.getOrDefault("PageSize", "100"));
    int from = (Integer.parseInt(query.getOrDefault("PageNumber", "1")) - 1) * size;
    var page = all.subList(Math.min(from, all.size()), Math.min(from + size, all.size()));
    ok(exchange, Map.of("Files", page, "TotalCount", all.size()));
  }

  private static Map<String, Object> entry(
      FakeRepo.Tree tree, String path, String type, long size, String sha256, boolean large) {
    var entry = new LinkedHashMap<String, Object>();
    entry.put("CommitMessage", "upload");
    entry.put("CommittedDate", COMMITTED);
    entry.put("CommitterName", "flora");
    entry.put("InCheck", false);
    entry.put("IsLFS", large);
    entry.put("Mode", type.equals("tree") ? "16384" : "33188");
    entry.put("Name", path.substring(path.lastIndexOf('/') + 1));
    entry.put("Path", path);
    entry.put("Revision", tree.commit());
    entry.put("Sha256", sha256);
    entry.put("Size", size);
    entry.put("Type", type);
    return entry;
  }

  private void file(Exchange exchange, String type, String id, String revision, String path)
      throws IOException {
    var tree = find(exchange, type, id, revision);
    if (tree == null) {
      return;
    }
    var blob = tree.files().get(path);
    if (blob == null) {
      error(exchange, 404, "file not found: " + path);
      return;
    }
    var elsewhere = hub.redirects().map(Redirects::content).orElse(null);
    if (elsewhere != null) {
      Answers.redirect(exchange, 302, hub.sign(elsewhere, path, blob, Map.of()));
      return;
    }
    bytes.answer(exchange, path, blob, blob.sha256(), 200);
  }

  private FakeRepo.@Nullable Tree find(Exchange exchange, String type, String id, String revision)
      throws IOException {
    if (!Set.of("models", "datasets").contains(type)) {
      error(exchange, 404, "page not found");
      return null;
    }
    var kind = type.equals("models") ? FakeRepo.Type.MODEL : FakeRepo.Type.DATASET;
    var repo = hub.find(kind, id).orElse(null);
    if (repo == null || !repo.shows(Answers.token(exchange))) {
      error(exchange, 404, "record not found: " + id);
      return null;
    }
    var tree = hub.tree(repo, revision.equals("master") ? "main" : revision).orElse(null);
    if (tree == null) {
      error(exchange, 404, "revision not found: " + revision);
    }
    return tree;
  }

  private static void ok(Exchange exchange, Object data) throws IOException {
    envelope(exchange, 200, data, "");
  }

  private static void error(Exchange exchange, int status, String message) throws IOException {
    envelope(exchange, status, Map.of(), message);
  }

  private static void envelope(Exchange exchange, int code, Object data, String message)
      throws IOException {
    var body = new LinkedHashMap<String, Object>();
    body.put("Code", code == 200 ? 200 : 10_010_205_001L);
    body.put("Data", data);
    body.put("Message", message);
    body.put("RequestId", "00000000-0000-0000-0000-000000000000");
    body.put("Success", code == 200);
    Answers.json(exchange, code, body);
  }
}
