package flora.hub;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What modelscope.cn speaks, by its own client ({@code modelscope/hub/api.py}, {@code
 * file_download.py}): an envelope {@code {Code, Success, Message, Data}}, a SHA-256 for every file,
 * the branch {@code master}, and {@code Files: null} with status 200 for a revision that is not
 * there. Its commits are its own: they are never equal to the hub's.
 */
final class ModelScopeApi implements Dialect {

  private static final int PAGE_SIZE = 200;
  private static final int MOST_PAGES = 5_000;
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  private final HubHttp http;
  private final Pages pages;
  private final Site site;
  private final UrlTemplate models;
  private final UrlTemplate datasets;

  ModelScopeApi(HubHttp http, Pages pages, Site site) {
    this.http = http;
    this.pages = pages;
    this.site = site;
    var given = site.files();
    var base = http.endpoint().toString().replaceFirst("/+$", "") + "/api/v1/{type}/{id}/repo?";
    models = new UrlTemplate(given != null ? given : base + "Revision={revision}&FilePath={path}");
    datasets =
        new UrlTemplate(
            given != null ? given : base + "Source=SDK&Revision={revision}&FilePath={path}");
  }

  @Override
  public RepoListing listing(RepoType type, RepoId repo, String revision, boolean quick)
      throws InterruptedException {
    var there = site.revisionOf(revision);
    var entries = new ArrayList<JsonNode>();
    JsonNode first =
        switch (type) {
          case MODEL -> models(repo, there, revision, quick, entries);
          case DATASET -> datasets(repo, there, revision, quick, entries);
        };
    var files = new ArrayList<HubFile>();
    for (var entry : entries) {
      if (!entry.path("Type").asString("").equals("tree")) {
        files.add(file(entry));
      }
    }
    var sorted = Dialect.checked(site.name(), files);
    return new RepoListing(type, repo, revision, commit(there, first, entries, sorted), sorted);
  }

  @Override
  public String commit(RepoType type, RepoId repo, String revision) throws InterruptedException {
    return listing(type, repo, revision, true).commit();
  }

  private JsonNode models(
      RepoId repo, String there, String revision, boolean quick, List<JsonNode> entries)
      throws InterruptedException {
    var url =
        home(RepoType.MODEL, repo)
            .addPathSegments("repo/files")
            .addQueryParameter("Revision", there)
            .addQueryParameter("Recursive", "True")
            .build();
    var data = data(url, RepoType.MODEL, repo, revision, quick);
    if (!data.path("Files").isArray()) {
      throw new HubException.RevisionNotFound(repo, revision);
    }
    data.path("Files").forEach(entries::add);
    return data;
  }

  /** Datasets are listed by a number, page by page. */
  private JsonNode datasets(
      RepoId repo, String there, String revision, boolean quick, List<JsonNode> entries)
      throws InterruptedException {
    var home = home(RepoType.DATASET, repo).build();
    var about = data(home, RepoType.DATASET, repo, revision, quick);
    var id = about.path("Id").asString("");
    if (id.isEmpty()) {
      throw new HubException.Protocol(site.name(), "its page of " + repo + " names no id");
    }
    for (int page = 1; page <= MOST_PAGES; page++) {
      var url =
          api(RepoType.DATASET)
              .addPathSegment(id)
              .addPathSegments("repo/tree")
              .addQueryParameter("Revision", there)
              .addQueryParameter("Root", "/")
              .addQueryParameter("Recursive", "True")
              .addQueryParameter("PageNumber", Integer.toString(page))
              .addQueryParameter("PageSize", Integer.toString(PAGE_SIZE))
              .build();
      var data = data(url, RepoType.DATASET, repo, revision, false);
      var files = data.path("Files");
      if (!files.isArray()) {
        throw new HubException.RevisionNotFound(repo, revision);
      }
      files.forEach(entries::add);
      if (files.size() < PAGE_SIZE) {
        return data;
      }
    }
    throw new HubException.Protocol(site.name(), "the pages of its tree do not end");
  }

  private JsonNode data(HttpUrl url, RepoType type, RepoId repo, String revision, boolean quick)
      throws InterruptedException {
    var page = pages.get(url, quick, answer -> failure(answer, type, repo, revision, null)).body();
    boolean isEnvelope = page.has("Data");
    boolean failed = page.path("Success").isBoolean() && !page.path("Success").asBoolean();
    if (!isEnvelope || failed) {
      var message = page.path("Message").asString("");
      if (isEnvelope || !message.isEmpty()) {
        throw new HubException.RepoNotFound(repo, site.name(), false, true);
      }
      throw new HubException.Protocol(site.name(), "its list of " + repo + " has no Data");
    }
    return page.path("Data");
  }

  private HubFile file(JsonNode entry) {
    var path = entry.path("Path").asString("");
    long size = entry.path("Size").asLong(-1);
    try {
      return new HubFile(path, size, null, new Sha256(entry.path("Sha256").asString("")));
    } catch (IllegalArgumentException e) {
      throw new HubException.Protocol(site.name(), "its list has no SHA-256 for " + path);
    }
  }

  /**
   * What to call this state of the repository: the commit when it is named in full, else a digest
   * of the list. The short id of the last commit is completed from the files' own revisions.
   */
  private static String commit(
      String revision, JsonNode data, List<JsonNode> entries, List<HubFile> files) {
    if (COMMIT.matcher(revision).matches()) {
      return revision;
    }
    var last = data.path("LatestCommitter");
    var id = last.path("Id").asString("");
    if (COMMIT.matcher(id).matches()) {
      return id;
    }
    var brief = last.path("ShortId").asString("");
    for (var entry : entries) {
      var own = entry.path("Revision").asString("");
      if (!brief.isEmpty() && own.startsWith(brief) && COMMIT.matcher(own).matches()) {
        return own;
      }
    }
    try {
      var sha1 = MessageDigest.getInstance("SHA-1");
      for (var file : files) {
        var line = file.path() + "\0" + file.identity() + "\n";
        sha1.update(line.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(sha1.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }

  private HttpUrl.Builder api(RepoType type) {
    return http.endpoint().newBuilder().addPathSegments("api/v1").addPathSegment(type.api());
  }

  private HttpUrl.Builder home(RepoType type, RepoId repo) {
    return api(type).addPathSegments(site.idOf(repo.value()));
  }

  /** Files are asked for by the branch: a commit of ours may be a digest of the list. */
  @Override
  public HttpUrl file(RepoType type, RepoId repo, String revision, String path) {
    var template = type == RepoType.MODEL ? models : datasets;
    return template.expand(
        UrlTemplate.values(type, site.idOf(repo.value()), site.revisionOf(revision), path));
  }

  @Override
  public HubException failure(
      HubHttp.Answer answer, RepoType type, RepoId repo, String revision, @Nullable String path) {
    int status = answer.response().code();
    var who = http.who(answer.url());
    if (status == 404 && path != null) {
      return new HubException.EntryNotFound(repo, path, who);
    }
    if (status == 401 || status == 404 || (status == 403 && http.isOwn(answer.url()))) {
      return new HubException.RepoNotFound(repo, who, http.sendsTokenTo(answer.url()), true);
    }
    return http.failure(answer, repo);
  }
}
