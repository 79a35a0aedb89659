package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.run.Head;
import flora.schemas.run.LeaseState;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.threeten.extra.MutableClock;

/** Who may work on a run, and that whoever may not any more cannot write. */
class LeaseTest {

  private static final RunId RUN = RunId.of("lease");
  private static final Duration LENGTH = Duration.ofSeconds(15);

  private final MutableClock clock =
      MutableClock.of(Instant.parse("2026-01-01T12:00:00Z"), ZoneOffset.UTC);
  private final MemoryObjectStore store = new MemoryObjectStore(clock);

  @BeforeEach
  void makeTheBucket() {
    store.ensureBucket(StoreLayout.RUNS);
  }

  @Test
  void isHeldByOneAtATime() {
    assertThat(take("one", Stage.FETCH)).isInstanceOf(Lease.Try.Taken.class);

    assertThat(take("two", Stage.FETCH))
        .isInstanceOfSatisfying(
            Lease.Try.Busy.class, busy -> assertThat(busy.by().owner()).isEqualTo("one"));
  }

  @Test
  void isFreeWhenItWasReleasedOrNobodyRenewedIt() {
    var first = taken("one", Stage.FETCH);
    first.release();
    var second = taken("two", Stage.FETCH);
    clock.add(LENGTH);
    var third = taken("three", Stage.LABEL);

    assertThat(second.epoch()).isEqualTo(2);
    assertThat(second.attempt()).isEqualTo(2);
    assertThat(third.epoch()).isEqualTo(3);
    assertThat(third.attempt()).isEqualTo(1);
    assertThat(first.renew()).isFalse();
    assertThat(second.renew()).isFalse();
    assertThat(third.renew()).isTrue();
  }

  @Test
  void lastsAsLongAsItIsRenewed() {
    var lease = taken("one", Stage.FETCH);

    for (int i = 0; i < 5; i++) {
      clock.add(LENGTH.dividedBy(2));
      assertThat(lease.renew()).isTrue();
    }

    assertThat(take("two", Stage.FETCH)).isInstanceOf(Lease.Try.Busy.class);
  }

  @Test
  void goesBackAtOnceToTheOneThatHeldItInALifeBefore() {
    taken("one", Stage.FETCH);

    assertThat(taken("one", Stage.FETCH).epoch()).isEqualTo(2);
  }

  @Test
  void staysOursWhenOnlyTheAnswerToARenewalWasLost() {
    var lease = taken("one", Stage.FETCH);
    var there = store.read(StoreLayout.RUNS, StoreLayout.lease(RUN)).orElseThrow();
    // as after a renewal that the store has heard and nobody else has touched
    store.put(StoreLayout.RUNS, StoreLayout.lease(RUN), renewed(there.bytes()), "application/json");

    assertThat(lease.renew()).isTrue();
    assertThat(lease.renew()).isTrue();
    assertThat(take("two", Stage.FETCH)).isInstanceOf(Lease.Try.Busy.class);
  }

  private static byte[] renewed(byte[] json) {
    var s = Json.read(json, LeaseState.class);
    return Json.bytes(
        new LeaseState(s.stage(), s.owner(), s.epoch(), s.attempts(), s.expires().plusSeconds(1)));
  }

  @Test
  void aZombieCannotWriteTheHead() {
    var zombie = FencedHead.open(store, RUN, taken("one", Stage.FETCH).epoch());
    clock.add(LENGTH);
    var heir = FencedHead.open(store, RUN, taken("two", Stage.FETCH).epoch());

    // before the heir has written anything of its own
    assertThatThrownBy(() -> zombie.update(h -> h.with(new Head.Checkpoint(7, 0.5, null))))
        .isInstanceOf(StageContext.LeaseLost.class);
    heir.update(h -> h.with(new Head.Checkpoint(8, 0.25, null)));
    assertThatThrownBy(() -> zombie.update(h -> h)).isInstanceOf(StageContext.LeaseLost.class);
    assertThatThrownBy(() -> FencedHead.open(store, RUN, 1))
        .isInstanceOf(StageContext.LeaseLost.class);
    assertThat(heir.get().checkpoint().step()).isEqualTo(8);
    assertThat(heir.get().epoch()).isEqualTo(2);
  }

  private Lease taken(String owner, Stage stage) {
    return ((Lease.Try.Taken) take(owner, stage)).lease();
  }

  private Lease.Try take(String owner, Stage stage) {
    return Lease.take(store, clock, RUN, stage, owner, LENGTH);
  }
}
