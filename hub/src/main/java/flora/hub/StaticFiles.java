package flora.hub;

import flora.schemas.RepoId;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * Files at addresses that can be told from their names, as universities mirror them: {@code
 * https://mirror.example/hugging-face/models/{id}/{path}}. There is no list, and unless the
 * template has a {@code {revision}} there are the files of one branch only; whether a file is the
 * one that is wanted shows in its size and its digest.
 */
final class StaticFiles implements Dialect {

  private final HubHttp http;
  private final Site site;
  private final UrlTemplate files;

  StaticFiles(HubHttp http, Site site) {
    this.http = http;
    this.site = site;
    var given = site.files();
    files =
        new UrlTemplate(
            given != null
                ? given
                : http.endpoint().toString().replaceFirst("/+$", "") + "/{type}/{id}/{path}");
  }

  @Override
  public RepoListing listing(RepoType type, RepoId repo, String revision, boolean quick) {
    throw new HubException.Protocol(site.name(), "it has files and no lists of them");
  }

  @Override
  public String commit(RepoType type, RepoId repo, String revision) {
    throw new HubException.Protocol(site.name(), "it has files and no lists of them");
  }

  @Override
  public HttpUrl file(RepoType type, RepoId repo, String commit, String path) {
    return files.expand(
        UrlTemplate.values(type, site.idOf(repo.value()), site.revisionOf(commit), path));
  }

  @Override
  public HubException failure(
      HubHttp.Answer answer, RepoType type, RepoId repo, String revision, @Nullable String path) {
    int status = answer.response().code();
    var who = http.who(answer.url());
    if (status == 401 || status == 403 || status == 404 || status == 410) {
      // such servers answer 403 for what is not there as well
      return new HubException.EntryNotFound(repo, path == null ? "its tree" : path, who);
    }
    return http.failure(answer, repo);
  }
}
