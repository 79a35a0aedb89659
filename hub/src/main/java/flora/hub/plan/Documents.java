package flora.hub.plan;

import flora.hub.HubFile;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads the little that a plan depends on: small JSON files, and headers of large ones. */
@FunctionalInterface
public interface Documents {

  /** The content of a file; an empty object when it is no JSON. */
  JsonNode read(HubFile file) throws InterruptedException;

  /**
   * Names of the tensors of a safetensors file, by its header alone. Nobody has listed a digest of
   * that, so it may say what a whole file is and never which of several is taken.
   *
   * @return none when it is no such file, or its header is longer than 10 MiB
   */
  default Set<String> tensorNames(HubFile file) throws InterruptedException {
    return Set.of();
  }
}
