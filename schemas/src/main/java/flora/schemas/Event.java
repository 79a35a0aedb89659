package flora.schemas;

import java.time.Instant;

/**
 * A notice that something happened. Events come at least once and, across topics, in any order; the
 * object store is the state. The families are sealed, one for each topic; a family cannot span
 * packages, so their ancestor is open.
 */
public interface Event {

  /** The run it happened to. */
  RunId runId();

  /** Which attempt at its stage speaks: 1 at first, one more each time the stage is taken anew. */
  int attempt();

  /** Counts the events of one attempt from 1. */
  long seq();

  /** When it happened. */
  Instant at();
}
