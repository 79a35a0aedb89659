package flora.store;

import java.nio.ByteBuffer;
import java.util.Optional;

/** Parts of large objects for a store that is in this very process: put past the network. */
@FunctionalInterface
public interface LocalParts {

  /**
   * Puts a part into an open upload.
   *
   * @return its etag; empty when it has to be sent
   */
  Optional<String> put(String bucket, String key, String uploadId, int number, ByteBuffer bytes);
}
