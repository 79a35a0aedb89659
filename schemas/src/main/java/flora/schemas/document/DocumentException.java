package flora.schemas.document;

/** A document that cannot be read: broken, too big, or with something that is not plain data. */
public final class DocumentException extends RuntimeException {

  private final String pointer;

  DocumentException(String pointer, int line, String message) {
    super(line > 0 ? "line " + line + ": " + message : message);
    this.pointer = pointer;
  }

  /** JSON pointer to the place, as far as it is known. */
  public String pointer() {
    return pointer;
  }
}
