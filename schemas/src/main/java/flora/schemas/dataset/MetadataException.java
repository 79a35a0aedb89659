package flora.schemas.dataset;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;

/** A {@code metadata.csv} or {@code metadata.jsonl} that cannot be read, and where. */
public final class MetadataException extends PipelineException {

  private final int line;

  MetadataException(int line, String message) {
    this("metadata.csv", line, message);
  }

  MetadataException(String file, int line, String message) {
    super(file + ", line " + line + ": " + message);
    this.line = line;
  }

  @Override
  public ErrorCode code() {
    return ErrorCode.REQUEST_INVALID;
  }

  /** The line, from 1. */
  public int line() {
    return line;
  }
}
