package flora.hub;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the Hugging Face Hub and the mirrors that copy its paths speak. Paths and headers are those
 * of {@code huggingface_hub} ({@code hf_api.py}, {@code file_download.py}); Xet-backed files are
 * had through the plain redirect, since none of Xet's headers is ever sent.
 */
final class HuggingFaceApi implements Dialect {

  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40,64}");
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");

  /**
   * As long as a page of the tree. Beyond this {@code huggingface_hub} does not trust the list on
   * the page of a revision either, which the hub may have cut ({@code _snapshot_download.py};
   * 50,000 in older versions).
   */
  private static final int LONG_LIST = 1000;

  private final HubHttp http;
  private final Pages pages;
  private final Site site;
  private final @Nullable UrlTemplate api;
  private final @Nullable UrlTemplate files;

  HuggingFaceApi(HubHttp http, Pages pages, Site site) {
    this.http = http;
    this.pages = pages;
    this.site = site;
    this.api = site.api() == null ? null : new UrlTemplate(site.api());
    this.files = site.files() == null ? null : new UrlTemplate(site.files());
  }

  @Override
  public RepoListing listing(RepoType type, RepoId repo, String revision, boolean quick)
      throws InterruptedException {
    var info = info(type, repo, revision, quick);
    var commit = commit(info, repo);
    var named = siblings(info);
    var files = named != null ? named : tree(type, repo, commit);
    return new RepoListing(type, named(info, repo), revision, commit, files);
  }

  /** The page of a revision, with what there is to know of its files where it has that. */
  private JsonNode info(RepoType type, RepoId repo, String revision, boolean quick)
      throws InterruptedException {
    var plain = page(type, repo, "revision", site.revisionOf(revision));
    Pages.Failures failures = answer -> failure(answer, type, repo, revision, null);
    if (quick && type == RepoType.DATASET) {
      // it may have more pictures than a hub can look up within a quick page's three seconds
      return pages.get(plain, true, failures).body();
    }
    var withSizes = plain.newBuilder().addQueryParameter("blobs", "true").build();
    return pages.detailed(withSizes, plain, quick, failures).body();
  }

  @Override
  public String commit(RepoType type, RepoId repo, String revision) throws InterruptedException {
    var url = page(type, repo, "revision", site.revisionOf(revision));
    var info = pages.get(url, true, answer -> failure(answer, type, repo, revision, null)).body();
    return commit(info, repo);
  }

  private String commit(JsonNode info, RepoId repo) {
    var commit = info.path("sha").asString("");
    if (!COMMIT.matcher(commit).matches()) {
      throw protocol("its page of " + repo + " names no commit");
    }
    return commit;
  }

  /** The name that the hub gives it, which is another one when it was renamed. */
  private RepoId named(JsonNode info, RepoId repo) {
    var id = info.path("id").asString("");
    if (id.isEmpty() || id.equals(site.idOf(repo.value())) || !site.owners().isEmpty()) {
      return repo;
    }
    try {
      return new RepoId(id);
    } catch (IllegalArgumentException e) {
      return repo;
    }
  }

  /**
   * The files that the page of a revision names; null where it does not say all of each of them, as
   * on mirrors that do not know {@code blobs}, or where they are so many that some may be missing.
   */
  private @Nullable List<HubFile> siblings(JsonNode info) {
    var siblings = info.path("siblings");
    if (!siblings.isArray() || siblings.isEmpty() || siblings.size() >= LONG_LIST) {
      return null;
    }
    var files = new ArrayList<HubFile>();
    for (var sibling : siblings) {
      var file = sibling(sibling);
      if (file == null) {
        return null;
      }
      files.add(file);
    }
    return Dialect.checked(site.name(), files);
  }

  private static @Nullable HubFile sibling(JsonNode sibling) {
    var path = sibling.path("rfilename").asString("");
    var gitSha1 = sibling.path("blobId").asString("");
    var lfs = sibling.path("lfs");
    if (path.isEmpty() || !isSize(sibling.path("size")) || !SHA1.matcher(gitSha1).matches()) {
      return null;
    }
    if (lfs.isMissingNode() || lfs.isNull()) {
      return new HubFile(path, sibling.path("size").asLong(), gitSha1, null);
    }
    if (!isSize(lfs.path("size"))) {
      return null;
    }
    try {
      var digest = new Sha256(lfs.path("sha256").asString(""));
      return new HubFile(path, lfs.path("size").asLong(), gitSha1, digest);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean isSize(JsonNode number) {
    return number.isIntegralNumber() && number.canConvertToLong() && number.asLong() >= 0;
  }

  private List<HubFile> tree(RepoType type, RepoId repo, String commit)
      throws InterruptedException {
    var first =
        page(type, repo, "tree", commit)
            .newBuilder()
            .addQueryParameter("recursive", "true")
            .build();
    var files = new ArrayList<HubFile>();
    var visited = new HashSet<HttpUrl>();
    for (HttpUrl url = first; url != null; ) {
      if (!visited.add(url)) {
        throw protocol("the pages of its tree go round in a circle");
      }
      var page = pages.get(url, answer -> failure(answer, type, repo, commit, null));
      if (!page.body().isArray()) {
        throw protocol("its tree of " + repo + " is no list");
      }
      for (var entry : page.body()) {
        if (entry.path("type").asString("").equals("file")) {
          files.add(file(entry));
        }
      }
      // only the query of the next page's URL counts: behind a prefix or a mirror the rest may be
      // the origin's own address
      var next = page.next() == null ? null : first.resolve(page.next());
      url = next == null ? null : first.newBuilder().encodedQuery(next.encodedQuery()).build();
    }
    return Dialect.checked(site.name(), files);
  }

  private HubFile file(JsonNode entry) {
    var path = entry.path("path").asString("");
    var lfs = entry.path("lfs");
    var size = entry.path("size").asLong(-1);
    var gitSha1 = entry.path("oid").asString("");
    if (size < 0 || !SHA1.matcher(gitSha1).matches()) {
      throw protocol("its tree has no size or git id for " + path);
    }
    if (!lfs.isObject()) {
      return new HubFile(path, size, gitSha1, null);
    }
    try {
      var digest = new Sha256(lfs.path("oid").asString("").replaceFirst("^sha256:", ""));
      return new HubFile(path, lfs.path("size").asLong(size), gitSha1, digest);
    } catch (IllegalArgumentException e) {
      throw protocol("its tree has no SHA-256 for " + path);
    }
  }

  private HttpUrl page(RepoType type, RepoId repo, String verb, String revision) {
    var id = site.idOf(repo.value());
    var base =
        api != null
            ? api.expand(UrlTemplate.values(type, id, revision, ""))
            : http.endpoint()
                .newBuilder()
                .addPathSegment("api")
                .addPathSegment(type.api())
                .addPathSegments(id)
                .build();
    return base.newBuilder().addPathSegment(verb).addPathSegment(revision).build();
  }

  @Override
  public HttpUrl file(RepoType type, RepoId repo, String commit, String path) {
    var id = site.idOf(repo.value());
    if (files != null) {
      return files.expand(UrlTemplate.values(type, id, site.revisionOf(commit), path));
    }
    var url = home(http.endpoint(), type, id).newBuilder();
    url.addPathSegment("resolve").addPathSegment(commit);
    for (var segment : path.split("/", -1)) {
      url.addPathSegment(segment);
    }
    return url.build();
  }

  private static HttpUrl home(HttpUrl hub, RepoType type, String id) {
    var url = hub.newBuilder();
    if (!type.prefix().isEmpty()) {
      url.addPathSegment(type.prefix());
    }
    return url.addPathSegments(id).build();
  }

  /** Where people read about it and accept its terms, which is the hub and no mirror of it. */
  private URI page(RepoType type, RepoId repo) {
    var there = HttpUrl.get(site.accounts().toString());
    return home(there, type, repo.value())
        .newBuilder()
        .username("")
        .password("")
        .query(null)
        .build()
        .uri();
  }

  /** By the hub's error headers and the status. */
  @Override
  public HubException failure(
      HubHttp.Answer answer, RepoType type, RepoId repo, String revision, @Nullable String path) {
    int status = answer.response().code();
    var url = answer.url();
    var who = http.who(url);
    boolean withToken = http.sendsTokenTo(url);
    var message = answer.header("X-Error-Message");
    switch (answer.header("X-Error-Code")) {
      case "RevisionNotFound" -> {
        return new HubException.RevisionNotFound(repo, revision);
      }
      case "EntryNotFound" -> {
        return new HubException.EntryNotFound(repo, path == null ? "its tree" : path, who);
      }
      case "GatedRepo" -> {
        return new HubException.Gated(repo, page(type, repo), withToken);
      }
      case "RepoNotFound" -> {
        return new HubException.RepoNotFound(repo, who, withToken, site.isMirror());
      }
      case "DisabledRepo" -> {
        return new HubException.Withheld(repo, who, "it is disabled there");
      }
      case null, default -> {}
    }
    boolean onHub = http.isOwn(url);
    if (status == 451) {
      return new HubException.Withheld(repo, who, "for legal reasons (status 451)");
    }
    if (status == 401 && "Invalid credentials in Authorization header".equals(message)) {
      return new HubException.TokenRefused(repo, who, null);
    }
    if (onHub && status == 403 && withToken && !isDisabled(message)) {
      // as of a fine-grained token without the right to read gated repositories
      return new HubException.TokenRefused(repo, who, message);
    }
    if (isDisabled(message)) {
      return new HubException.Withheld(repo, who, "it is disabled there");
    }
    if ((onHub && status == 401) || (path == null && (status == 401 || status == 404))) {
      return new HubException.RepoNotFound(repo, who, withToken, site.isMirror());
    }
    if (status == 404 && path != null) {
      return new HubException.EntryNotFound(repo, path, who);
    }
    return http.failure(answer, repo);
  }

  private static boolean isDisabled(@Nullable String message) {
    return message != null && message.startsWith("Access to this resource is disabled");
  }

  private HubException.Protocol protocol(String what) {
    return new HubException.Protocol(site.name(), what);
  }
}
