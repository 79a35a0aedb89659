package flora.schemas;

import java.time.Instant;

/**
 * What every event carries besides its own facts; given out in order by whoever publishes.
 *
 * @param runId the run
 * @param attempt attempt at the stage
 * @param seq counts from 1 within the attempt
 * @param at when
 */
public record EventStamp(RunId runId, int attempt, long seq, Instant at) {}
