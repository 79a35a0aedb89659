package flora.fetcher.download;

import flora.fakehub.Expiry;
import flora.fakehub.FakeHub;
import flora.fakehub.Fault;
import flora.fakehub.RateLimit;
import flora.fakehub.Redirects;
import flora.fakehub.Throttle;
import flora.fakehub.When;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Everything that hubs and mirrors do wrong, at random, all the time. */
final class Storm {

  /** Of those answers that a kind of fault could meet it meets so many. */
  private static final double CHANCE = 0.012;

  private final Random random;

  Storm(long seed) {
    random = new Random(seed);
  }

  /** Lets one place misbehave in every way that there is. */
  void over(FakeHub hub, URI elsewhere) {
    for (var fault : onBytes()) {
      some(hub, "", CHANCE, fault);
    }
    for (var fault : onResolve()) {
      some(hub, "", CHANCE, fault);
    }
    some(hub, "/", CHANCE, new Fault.Status(500));
    some(hub, "/", CHANCE, new Fault.Status(503, Map.of("Retry-After", "1")));
    some(hub, "/", CHANCE, new Fault.HangUp());
    some(hub, "/", CHANCE, new Fault.Late(Duration.ofMillis(300)));
    some(hub, "/resolve/", CHANCE, new Fault.MovedTo(308, elsewhere));
    some(hub, "/resolve/", CHANCE / 4, new Fault.BlackHole());
    some(hub, "/resolve/", CHANCE, new Fault.Status(429, Map.of("Retry-After", "1")));
    hub.expiry(Expiry.after(2));
    hub.limit(RateLimit.of(RateLimit.Resource.RESOLVERS, 200, Duration.ofSeconds(2)));
    hub.redirects(Redirects.with(302).hops(2, Redirects.Style.RELATIVE));
    hub.throttle(Throttle.NONE.connection(30 << 20).latency(Duration.ofMillis(2)));
  }

  private void some(FakeHub hub, String match, double chance, Fault fault) {
    hub.fault(match, When.always().sometimes(chance, random.nextLong()), fault);
  }

  private static List<Fault> onBytes() {
    return List.of(
        new Fault.Cut(0),
        new Fault.Cut(1000),
        new Fault.Cut(700_000),
        Fault.Stall.forEver(100),
        Fault.Stall.forEver(300_000),
        new Fault.WrongByte(5),
        new Fault.WrongByte(9_000_000),
        new Fault.WrongBytes(100_000),
        new Fault.Shortened(1),
        new Fault.TooLongLength(10),
        new Fault.WrongTotal(7),
        new Fault.Html(),
        new Fault.Pointer(),
        new Fault.BareHeaders(),
        new Fault.NoLength(),
        new Fault.NoEtag(),
        new Fault.WrongEtag("0123456789abcdef0123456789abcdef"),
        new Fault.IgnoredRange(),
        new Fault.RefusedRange(),
        new Fault.OtherRange(3),
        new Fault.RangeWithStatus200(),
        new Fault.Slow(100));
  }

  private static List<Fault> onResolve() {
    return List.of(
        new Fault.NoCommit(),
        new Fault.NoLinks(),
        new Fault.WrongLinkedSize(1),
        new Fault.WrongLinkedEtag("f".repeat(64)));
  }
}
