package flora.hub;

import java.time.Duration;

/** A file at a hub of which no health is kept. */
record HubSource(HubClient hub, RepoListing listing, HubFile file) implements FileSource {

  private static final int CONNECTIONS = 16;

  @Override
  public String name() {
    return hub.name();
  }

  @Override
  public int maxConnections() {
    return CONNECTIONS;
  }

  @Override
  public boolean isUsable() {
    return true;
  }

  @Override
  public FileStream open(long from, long to) throws InterruptedException {
    return hub.open(listing, file, from, to);
  }

  @Override
  public void moved(long bytes, Duration time) {}

  @Override
  public void failed(HubException e) {}

  @Override
  public void lied(String what) {}
}
