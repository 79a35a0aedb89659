package flora.hub.plan;

import flora.hub.HubFile;
import tools.jackson.databind.JsonNode;

/** Reads the small JSON files that a plan depends on. */
@FunctionalInterface
public interface Documents {

  /** The content of a file; an empty object when it is no JSON. */
  JsonNode read(HubFile file) throws InterruptedException;
}
