package flora.models.weights;

import java.util.Optional;

/** How a file calls the tensors of one network. */
public interface KeyMap {

  /** The file's keys are the network's own, and all of them are the network's. */
  KeyMap SAME =
      new KeyMap() {
        @Override
        public String stored(String key) {
          return key;
        }

        @Override
        public Optional<String> key(String stored) {
          return Optional.of(stored);
        }
      };

  /** The key of the file for one of the network. */
  String stored(String key);

  /**
   * The key of the network for one of the file; empty where the tensor belongs to something else. A
   * tensor that lies among the network's without being one of them keeps its name, so that it is
   * found to be left over.
   */
  Optional<String> key(String stored);
}
