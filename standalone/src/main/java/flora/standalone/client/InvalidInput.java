package flora.standalone.client;

/** What the person gave cannot be used; the message says why and what to do. */
public final class InvalidInput extends RuntimeException {
  public InvalidInput(String message) {
    super(message);
  }
}
