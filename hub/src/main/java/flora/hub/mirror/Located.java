package flora.hub.mirror;

import flora.hub.FileSource;
import flora.hub.HubFile;
import flora.hub.RefSeen;
import flora.hub.Renamed;
import flora.hub.RepoCopies;
import flora.hub.RepoListing;
import flora.schemas.Sha256;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A repository at one commit, and all that is known of where it can be had. Places that answer late
 * join as further sources of the files that they have with equal digests. Thread-safe.
 */
public final class Located implements RepoCopies {

  /** A place and its own list; null where it has none and is simply tried. */
  private record Copy(Place place, @Nullable RepoListing listing) {}

  private record AtPlace(String place, String path, String identity) {}

  private final RepoListing listing;
  private final String listedBy;
  private final @Nullable RefSeen refSeen;
  private final @Nullable Renamed renamed;
  private final List<String> warnings;
  private final BiFunction<HubFile, Long, Optional<byte[]>> stored;
  private final List<Copy> copies = new CopyOnWriteArrayList<>();
  private final Map<AtPlace, MirrorFile> files = new ConcurrentHashMap<>();

  /** By the list of a place. */
  Located(
      RepoListing listing,
      String listedBy,
      RefSeen refSeen,
      @Nullable Renamed renamed,
      List<String> warnings) {
    this(listing, listedBy, refSeen, renamed, warnings, (_, _) -> Optional.empty());
  }

  /**
   * By the store's own list.
   *
   * @param stored reads the first bytes of a file of it
   */
  Located(
      RepoListing listing,
      @Nullable Renamed renamed,
      List<String> warnings,
      BiFunction<HubFile, Long, Optional<byte[]>> stored) {
    this(listing, "store", null, renamed, warnings, stored);
  }

  private Located(
      RepoListing listing,
      String listedBy,
      @Nullable RefSeen refSeen,
      @Nullable Renamed renamed,
      List<String> warnings,
      BiFunction<HubFile, Long, Optional<byte[]>> stored) {
    this.listing = listing;
    this.listedBy = listedBy;
    this.refSeen = refSeen;
    this.renamed = renamed;
    this.warnings = List.copyOf(warnings);
    this.stored = stored;
  }

  /** Another place has it. */
  void add(Place place, @Nullable RepoListing itsListing) {
    copies.add(new Copy(place, itsListing));
  }

  @Override
  public RepoListing listing() {
    return listing;
  }

  @Override
  public Optional<byte[]> stored(HubFile file, long length) {
    return stored.apply(file, length);
  }

  @Override
  public Optional<String> listedBy() {
    return Optional.of(listedBy);
  }

  @Override
  public Optional<RefSeen> refSeen() {
    return Optional.ofNullable(refSeen);
  }

  @Override
  public Optional<Renamed> renamed() {
    return Optional.ofNullable(renamed);
  }

  @Override
  public List<String> warnings() {
    return warnings;
  }

  /** Names of the places that are known to have some of it, or are tried. */
  public List<String> places() {
    return copies.stream().map(copy -> copy.place().name()).sorted().toList();
  }

  @Override
  public List<FileSource> sources(HubFile file) {
    return List.copyOf(ordered(file));
  }

  @Override
  public List<String> vouchers(HubFile file, Sha256 digest) {
    return copies.stream()
        .filter(copy -> lists(copy.listing(), file, digest))
        .map(copy -> copy.place().name())
        .distinct()
        .sorted()
        .toList();
  }

  private static boolean lists(@Nullable RepoListing own, HubFile file, Sha256 digest) {
    return own != null
        && own.file(file.path())
            .filter(f -> f.compare(file) == HubFile.Likeness.SAME || digest.equals(f.sha256()))
            .isPresent();
  }

  private List<MirrorFile> ordered(HubFile file) {
    var found = new ArrayList<MirrorFile>();
    for (var copy : copies) {
      if (has(copy, file)) {
        found.add(at(copy, file));
      }
    }
    found.sort(Comparator.comparing(MirrorFile::place, Place.BEST_FIRST));
    return found;
  }

  private static boolean has(Copy copy, HubFile file) {
    var own = copy.listing();
    return own == null
        || own.file(file.path()).filter(f -> f.compare(file) != HubFile.Likeness.OTHER).isPresent();
  }

  private MirrorFile at(Copy copy, HubFile file) {
    var own = copy.listing();
    return files.computeIfAbsent(
        new AtPlace(copy.place().name(), file.path(), file.identity()),
        key ->
            new MirrorFile(
                copy.place(),
                own == null ? listing : own,
                file,
                () -> isOtherAllowed(copy.place(), file)));
  }

  private boolean isOtherAllowed(Place than, HubFile file) {
    return ordered(file).stream().anyMatch(f -> !f.name().equals(than.name()) && f.isAllowed());
  }
}
