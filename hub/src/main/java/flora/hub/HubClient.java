package flora.hub;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import java.time.Clock;
import java.util.List;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * One hub or mirror. Thread-safe. Everything throws {@link HubException}; what may pass is tried
 * again by the policy, except {@link #open}, whose caller knows how far it came.
 */
public final class HubClient implements AutoCloseable {

  private static final int LARGEST_IN_MEMORY = 64 << 20;

  private final Site site;
  private final HubNetwork network;
  private final boolean ownsNetwork;
  private final HubHttp http;
  private final Dialect dialect;
  private final RetryPolicy policy;
  private final ResolvedUrls resolved;

  /** A hub with a network of its own, closed with it. */
  public HubClient(HubSettings settings, RetryPolicy policy, Clock clock) {
    this(Site.origin(settings), new HubNetwork(settings, clock), true, policy);
  }

  /** One of several places on a shared network. */
  public HubClient(Site site, HubNetwork network, RetryPolicy policy) {
    this(site, network, false, policy);
  }

  private HubClient(Site site, HubNetwork network, boolean ownsNetwork, RetryPolicy policy) {
    this.site = site;
    this.network = network;
    this.ownsNetwork = ownsNetwork;
    this.policy = policy;
    http = new HubHttp(network, site, policy.longestDelay());
    resolved = new ResolvedUrls(network.clock());
    var pages = new Pages(http, policy);
    dialect =
        switch (site.kind()) {
          case HUGGINGFACE -> new HuggingFaceApi(http, pages, site);
          case MODELSCOPE -> new ModelScopeApi(http, pages, site);
          case FILES -> new StaticFiles(http, site);
        };
  }

  /** Its name, as in events. */
  public String name() {
    return site.name();
  }

  /** The name that a repository has there. */
  public String nameOf(RepoId repo) {
    return site.idOf(repo.value());
  }

  /** Whether it can list a repository; without, it can only be tried for files. */
  public boolean hasLists() {
    return site.kind() != Site.Kind.FILES;
  }

  /** The policy that a caller of {@link #open} should follow as well. */
  public RetryPolicy policy() {
    return policy;
  }

  /**
   * Resolves a revision to its commit and lists all files of that commit. The listing's repository
   * is the one that the hub answered for: another than asked for when it was renamed.
   */
  public RepoListing listing(RepoType type, RepoId repo, String revision)
      throws InterruptedException {
    return dialect.listing(type, repo, revision, false);
  }

  /**
   * The same, but gives up when the first answer does not come at once.
   *
   * @param quick whether the first page is asked for once, for three seconds
   */
  public RepoListing listing(RepoType type, RepoId repo, String revision, boolean quick)
      throws InterruptedException {
    return dialect.listing(type, repo, revision, quick);
  }

  /** What the revision stands for now: one request, three seconds, no second try. */
  public String commit(RepoType type, RepoId repo, String revision) throws InterruptedException {
    return dialect.commit(type, repo, revision);
  }

  /** The only copies that are known: this hub's own. */
  public RepoCopies copies(RepoListing listing) {
    return new RepoCopies() {
      @Override
      public RepoListing listing() {
        return listing;
      }

      @Override
      public List<FileSource> sources(HubFile file) {
        return List.of(new HubSource(HubClient.this, listing, file));
      }

      @Override
      public List<String> vouchers(HubFile file, Sha256 digest) {
        return List.of(name());
      }
    };
  }

  /**
   * Bytes {@code from} (inclusive) to {@code to} (exclusive) of a file; the caller closes the
   * stream. Not tried again, but for a signed URL that has expired.
   *
   * @throws HubException.OtherFile for another version, a pointer or another length
   * @throws HubException.EntryNotFound when that place does not have the file
   * @throws HubException.Protocol for a page instead of the file, or another range
   */
  public FileStream open(RepoListing listing, HubFile file, long from, long to)
      throws InterruptedException {
    boolean whole = from == 0 && to == file.size();
    var range = whole ? null : "bytes=" + from + "-" + (to - 1);
    // mirrors without commits of the hub's have files by branch
    var revision = site.kind() == Site.Kind.HUGGINGFACE ? listing.commit() : listing.revision();
    var url = dialect.file(listing.type(), listing.repo(), revision, file.path());
    var answer = ask(url, range);
    var response = answer.response();
    boolean handedOver = false;
    try {
      var who = http.who(answer.url());
      if (response.code() == 416) {
        throw FileAnswers.outOfRange(response, who, listing, file);
      }
      if (!response.isSuccessful()) {
        throw dialect.failure(
            answer, listing.type(), listing.repo(), listing.revision(), file.path());
      }
      var stream = FileAnswers.stream(answer, who, listing, file, from, to);
      resolved.keep(url, answer);
      handedOver = true;
      return stream;
    } finally {
      if (!handedOver) {
        response.close();
      }
    }
  }

  /** Goes where the file was last time; where it is no longer, asks the way once more. */
  private HubHttp.Answer ask(HttpUrl url, @Nullable String range) throws InterruptedException {
    var last = resolved.find(url).orElse(null);
    if (last == null) {
      return http.file(url, range);
    }
    try {
      var answer = http.file(last.url(), range);
      var status = answer.response().code();
      if (answer.response().isSuccessful() || status == 416 || status == 429 || status >= 500) {
        return new HubHttp.Answer(answer.call(), answer.response(), last.facts());
      }
      answer.response().close();
    } catch (HubException.Unreachable e) {
      resolved.drop(url);
      throw e;
    }
    resolved.drop(url);
    return http.file(url, range);
  }

  /** A small file in one piece. */
  public byte[] read(RepoListing listing, HubFile file) throws InterruptedException {
    if (file.size() > LARGEST_IN_MEMORY) {
      throw new HubException.Protocol(
          name(), "%s has %d bytes: too many".formatted(file.path(), file.size()));
    }
    return policy.again(
        () -> {
          try (var stream = open(listing, file, 0, file.size())) {
            return stream.readAll(file);
          }
        });
  }

  @Override
  public void close() {
    if (ownsNetwork) {
      network.close();
    }
  }
}
