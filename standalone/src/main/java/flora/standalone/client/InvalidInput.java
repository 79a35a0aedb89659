package flora.standalone.client;

import flora.schemas.request.RequestException;

/** What the person gave cannot be used; the message says why and what to do. */
public final class InvalidInput extends RuntimeException {
  public InvalidInput(String message) {
    super(message);
  }

  /** A request that a server would refuse, told in its words. */
  public static InvalidInput of(RequestException e) {
    var where = e.pointer().isEmpty() ? "" : " (at %s)".formatted(e.pointer());
    var hint = e.hint() == null ? "" : System.lineSeparator() + "  " + e.hint();
    return new InvalidInput(e.getMessage() + where + hint);
  }
}
