package flora.store;

/** A small object in one piece: its bytes and the etag that a conditional put needs. */
public final class Stored {

  private final byte[] bytes;
  private final String etag;

  /** Takes over the array. */
  public Stored(byte[] bytes, String etag) {
    this.bytes = bytes;
    this.etag = etag;
  }

  /** The content. */
  public byte[] bytes() {
    return bytes;
  }

  /** Its etag. */
  public String etag() {
    return etag;
  }
}
