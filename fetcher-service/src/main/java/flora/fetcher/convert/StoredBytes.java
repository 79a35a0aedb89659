package flora.fetcher.convert;

import flora.hub.archive.Archive;
import flora.schemas.Sha256;
import flora.tensors.pickle.ByteSource;
import java.io.InputStream;

/** A blob, read by ranges. */
record StoredBytes(Archive archive, String bucket, Sha256 digest, long size) implements ByteSource {

  @Override
  public InputStream open(long offset, long length) {
    return archive.open(bucket, digest, offset, length);
  }
}
