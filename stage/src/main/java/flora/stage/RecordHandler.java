package flora.stage;

/** Works on a record of a queue. */
@FunctionalInterface
public interface RecordHandler {

  /** What became of a record. */
  enum Outcome {
    /** It is never to come again. */
    DONE,
    /** Another worker is to have it. */
    GIVE_BACK
  }

  /** Works on a record, on a thread that is interrupted when it is to stop. */
  Outcome handle(Delivery delivery);
}
