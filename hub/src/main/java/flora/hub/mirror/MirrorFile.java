package flora.hub.mirror;

import flora.hub.FileSource;
import flora.hub.FileStream;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** One file at one place. What happens to it is remembered of the place. Thread-safe. */
final class MirrorFile implements FileSource {

  private final Place place;
  private final RepoListing listing;
  private final HubFile file;
  private final BooleanSupplier othersAllowed;
  private volatile boolean missing;
  private volatile boolean rangesIgnored;

  /** The host that the bytes came from last. */
  private volatile String sender = "";

  /**
   * @param listing as that place knows the repository
   * @param file as the chosen list has it
   * @param othersAllowed whether another place is worth asking for this file
   */
  MirrorFile(Place place, RepoListing listing, HubFile file, BooleanSupplier othersAllowed) {
    this.place = place;
    this.listing = listing;
    this.file = file;
    this.othersAllowed = othersAllowed;
  }

  Place place() {
    return place;
  }

  @Override
  public String name() {
    return place.name();
  }

  @Override
  public int maxConnections() {
    return rangesIgnored ? 1 : place.mirror().maxConnections();
  }

  /** A place that fails is spared only while there is another one. */
  @Override
  public boolean isUsable() {
    return !missing && (isAllowed() || !othersAllowed.getAsBoolean());
  }

  boolean isMissing() {
    return missing;
  }

  boolean isAllowed() {
    return !missing && place.health().files().allows();
  }

  @Override
  public FileStream open(long from, long to) throws InterruptedException {
    place.health().files().enter();
    try {
      var stream = place.client().open(listing, file, from, to);
      rangesIgnored |= stream.isRangeIgnored();
      sender = stream.host();
      return stream;
    } catch (HubException e) {
      note(e);
      throw e;
    }
  }

  @Override
  public void moved(long bytes, Duration time) {
    place.health().moved(sender, bytes, time);
  }

  @Override
  public void failed(HubException e) {
    note(e);
    place.health().fileFailed(e);
  }

  @Override
  public void lied(String what) {
    place.health().lied(file.path() + " of " + listing.repo() + ": " + what);
  }

  /** Remembers where asking that place for that file again is in vain. */
  private void note(HubException e) {
    missing |=
        switch (e) {
          case HubException.EntryNotFound _,
              HubException.RepoNotFound _,
              HubException.RevisionNotFound _,
              HubException.Gated _,
              HubException.Withheld _,
              HubException.TokenRefused _ ->
              true;
          // another version, or a moment's confusion: whoever is the only one may try again
          case HubException.OtherFile _ -> othersAllowed.getAsBoolean();
          case HubException.RateLimited _, HubException.Unreachable _, HubException.Protocol _ ->
              false;
        };
  }

  @Override
  public String toString() {
    return "MirrorFile[" + file.path() + " at " + name() + "]";
  }
}
