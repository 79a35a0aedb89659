package flora.hub.mirror;

import flora.hub.HubException;
import flora.hub.HubNetwork;
import flora.hub.HubSettings;
import flora.hub.Renamed;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import flora.hub.archive.OwnModels;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The hub and its mirrors as one: says where a repository can be had, and how each of them does.
 * One for a service; thread-safe.
 */
public final class Mirrors implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Mirrors.class);

  private final MirrorProperties properties;
  private final HubNetwork network;
  private final Archive archive;
  private final OwnModels ownModels;
  private final Clock clock;
  private final Shelf shelf;
  private final MirrorBook book;
  private final Prober prober;
  private final Aliases aliases;
  private final ScheduledExecutorService schedule =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("mirror-probes").factory());

  /**
   * @param origin the hub
   * @param environment values of the variables that mirrors name
   * @param store where mirrors made through the API lie, and what was fetched before
   */
  public Mirrors(
      MirrorProperties properties,
      HubSettings origin,
      Function<String, @Nullable String> environment,
      ObjectStore store,
      Clock clock) {
    this(properties, origin, environment, store, clock, RetryPolicy.DEFAULT);
  }

  /**
   * The same for somebody who waits.
   *
   * @param policy of asking the hub again
   */
  public Mirrors(
      MirrorProperties properties,
      HubSettings origin,
      Function<String, @Nullable String> environment,
      ObjectStore store,
      Clock clock,
      RetryPolicy policy) {
    this.properties = properties;
    this.network = new HubNetwork(origin, clock);
    this.archive = new Archive(store);
    this.ownModels = new OwnModels(store, clock);
    this.clock = clock;
    this.shelf = new Shelf(store, clock);
    this.aliases = new Aliases(properties.aliases());
    var secrets = new Secrets(environment);
    this.book = new MirrorBook(properties, origin, policy, network, secrets, shelf, clock);
    this.prober = new Prober(book, properties);
  }

  /** Measures all mirrors every so often, off everybody's way. */
  public void start() {
    long nanos = properties.probeEvery().toNanos();
    if (nanos > 0 && !properties.offline()) {
      var unused =
          schedule.scheduleWithFixedDelay(this::probeAll, nanos / 10, nanos, TimeUnit.NANOSECONDS);
    }
  }

  private void probeAll() {
    try {
      for (var place : book.mirrors()) {
        if (place.mirror().enabled()) {
          var result = prober.probe(place);
          if (result.verdict() != ProbeResult.Verdict.OK) {
            log.info("{} is {}: {}", result.name(), result.verdict(), result.cause());
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.warn("mirrors could not be measured: {}", e.getMessage());
    }
  }

  /**
   * Finds a repository: asks everybody at once, and decides as {@link Search} says. A name that
   * nobody has is looked up among the new names of repositories. Where nobody can be reached, what
   * was fetched last of that revision counts. For a model that was uploaded nobody is asked.
   *
   * @param useMirror {@code true}: the hub and all mirrors; {@code false}: the hub alone; otherwise
   *     the name of the only place
   * @throws HubException of the hub, or of the only place that was asked
   * @throws MirrorException when nobody of several has answered, or the name is unknown
   */
  public Located locate(RepoType type, RepoId repo, String revision, String useMirror)
      throws InterruptedException {
    var own =
        type == RepoType.MODEL ? ownModels.find(repo, revision) : Optional.<RepoListing>empty();
    if (own.isPresent()) {
      return stored(own.get(), null, List.of());
    }
    if (properties.offline()) {
      return kept(type, repo, revision, List.of(), "hub.offline is set")
          .orElseThrow(() -> new MirrorException.NotKept(repo, revision));
    }
    var places = book.forRepository(repo, useMirror);
    var search = search(type, repo, revision, places);
    var lister = search.run();
    if (lister.isPresent()) {
      return found(search, lister.get(), repo, null);
    }
    if (isNotFound(search)) {
      var newName = aliases.of(repo).orElse(null);
      if (newName != null) {
        // who may serve the new name need not be who may serve the old one
        var again = search(type, newName, revision, book.forRepository(newName, useMirror));
        var there = again.run();
        if (there.isPresent()) {
          var why = "%s is no longer there; known to live on as %s".formatted(repo, newName);
          return found(again, there.get(), repo, why);
        }
      }
    }
    if (!isFinal(search)) {
      var why =
          search.failures().values().stream()
              .map(PipelineException::getMessage)
              .reduce((a, b) -> a + "; " + b)
              .orElse("nobody was asked");
      var kept = kept(type, repo, revision, places, why);
      if (kept.isPresent()) {
        return kept.get();
      }
    }
    if (places.stream().noneMatch(Place::hasLists)) {
      throw new MirrorException.NotServing(
          places.getFirst().name(),
          repo,
          "it has files and no lists of them, and none was fetched before");
    }
    throw failure(search, repo);
  }

  private Search search(RepoType type, RepoId repo, String revision, List<Place> places) {
    boolean isKept =
        places.stream().anyMatch(place -> !place.hasLists())
            && archive.lastKnown(type, repo, revision).isPresent();
    var grace = Duration.ofMillis(properties.originGraceMs());
    var refSeen = archive.seen(type, repo, revision, clock);
    return new Search(type, repo, revision, places, isKept, grace, refSeen);
  }

  private Located found(Search search, Place lister, RepoId asked, @Nullable String alias) {
    var listing = named(search, lister);
    prober.seen(listing, search.places());
    var warnings = new ArrayList<String>();
    Renamed renamed = null;
    if (!listing.repo().equals(asked)) {
      var why =
          alias != null ? alias : "%s has it as %s now".formatted(lister.name(), listing.repo());
      renamed = new Renamed(asked, listing.repo(), why);
      warnings.add("%s is fetched in place of %s: %s".formatted(listing.repo(), asked, why));
    }
    if (!lister.isOrigin()) {
      search
          .originsFailure()
          .ifPresent(
              e ->
                  warnings.add(
                      "listed by %s: %s"
                          .formatted(
                              described(lister, listing.repo()), String.valueOf(e.getMessage()))));
    }
    var located =
        new Located(listing, lister.name(), search.refSeen(listing.repo()), renamed, warnings);
    search.join(located);
    return located;
  }

  /** A place, and what it calls the repository where that is something else. */
  private static String described(Place place, RepoId repo) {
    var there = place.client().nameOf(repo);
    return there.equals(repo.value())
        ? place.name()
        : "%s, which calls it %s".formatted(place.name(), there);
  }

  /**
   * The list, under the name that counts. A mirror's word for a new name is taken where the mirror
   * serves that name as well: what is fetched is kept under it.
   */
  private static RepoListing named(Search search, Place lister) {
    var listing = search.listing(lister);
    boolean isBelieved =
        lister.isOrigin()
            || listing.repo().equals(search.repo())
            || lister.mirror().serves(listing.repo().value());
    return isBelieved ? listing : listing.named(search.repo());
  }

  /** Nobody has it under that name, as far as they can be asked. */
  private static boolean isNotFound(Search search) {
    var failures = search.failures().values();
    return failures.stream().anyMatch(HubException.RepoNotFound.class::isInstance)
        && failures.stream()
            .noneMatch(e -> e instanceof HubException.Gated || e instanceof HubException.Withheld);
  }

  /** The hub itself has given an answer that waiting will not change. */
  private static boolean isFinal(Search search) {
    return search.originsFailure().filter(e -> !e.code().isTransient()).isPresent();
  }

  private static PipelineException failure(Search search, RepoId repo) {
    var failures = search.failures();
    var origins = search.originsFailure().orElse(null);
    if (origins != null && (failures.size() == 1 || !origins.code().isTransient())) {
      return origins;
    }
    if (failures.size() == 1) {
      return failures.values().iterator().next();
    }
    boolean nowhere =
        !failures.isEmpty()
            && failures.values().stream().allMatch(HubException.RepoNotFound.class::isInstance);
    return nowhere
        ? failures.values().iterator().next()
        : new MirrorException.NobodyAnswered(repo, failures);
  }

  /** What was fetched last of a revision; mirrors without lists are still tried for the rest. */
  private Optional<Located> kept(
      RepoType type, RepoId repo, String revision, List<Place> places, String why) {
    var listing = archive.lastKnown(type, repo, revision);
    Renamed renamed = null;
    if (listing.isEmpty()) {
      var newName = aliases.of(repo).orElse(null);
      if (newName == null) {
        return Optional.empty();
      }
      listing = archive.lastKnown(type, newName, revision);
      renamed = new Renamed(repo, newName, "known to live on under this name");
    }
    if (listing.isEmpty()) {
      return Optional.empty();
    }
    RepoListing known = listing.get();
    var warning =
        "%s at %s is what was fetched last (%s): %s".formatted(repo, revision, known.commit(), why);
    var located = stored(known, renamed, List.of(warning));
    places.stream().filter(place -> !place.hasLists()).forEach(place -> located.add(place, null));
    return Optional.of(located);
  }

  /** By the store's list; a plan reads documents, and nobody else may be there to give them. */
  private Located stored(RepoListing listing, @Nullable Renamed renamed, List<String> warnings) {
    return new Located(
        listing, renamed, warnings, (file, length) -> archive.read(listing.type(), file, length));
  }

  /** The hub first, then the mirrors, the best first. */
  public List<MirrorStatus> list() {
    var all = new ArrayList<MirrorStatus>();
    all.add(book.status(book.origin()));
    book.mirrors().stream().sorted(Place.BEST_FIRST).map(book::status).forEach(all::add);
    return all;
  }

  /**
   * One of them; the hub is called {@code hub}.
   *
   * @throws MirrorException.Unknown when there is none of that name
   */
  public MirrorStatus get(String name) {
    return book.status(book.find(name));
  }

  /**
   * Looks at a place now: some seconds.
   *
   * @throws MirrorException.Unknown when there is none of that name
   */
  public ProbeResult probe(String name) throws InterruptedException {
    return prober.probe(book.find(name));
  }

  /**
   * Keeps a mirror in the store, for all services.
   *
   * @throws MirrorException.Invalid for a secret in clear, or a name of the configuration
   */
  public MirrorStatus put(Mirror mirror) {
    requireNotConfigured(mirror.name());
    Secrets.requireStorable(mirror);
    shelf.put(mirror);
    return get(mirror.name());
  }

  /**
   * Forgets a mirror that was made through the API.
   *
   * @throws MirrorException.Unknown when there is none of that name
   * @throws MirrorException.Invalid for one of the configuration
   */
  public void remove(String name) {
    requireNotConfigured(name);
    var place = book.find(name);
    if (place.made() != MirrorStatus.Made.API) {
      throw new MirrorException.Invalid(
          name + " was not made through the API",
          "hub.well-known-mirrors: false switches the well-known mirrors off");
    }
    shelf.remove(name);
  }

  private void requireNotConfigured(String name) {
    if (name.equals("hub") || name.equals(book.origin().name())) {
      throw new MirrorException.Invalid(
          name + " is the hub itself", "HF_ENDPOINT says where it is; choose another name");
    }
    if (properties.mirrors().stream().anyMatch(m -> m.name().equals(name))) {
      throw new MirrorException.Invalid(
          name + " stands in the configuration",
          "change it there (hub.mirrors), or choose another name");
    }
  }

  @Override
  public void close() {
    schedule.shutdownNow();
    network.close();
  }
}
