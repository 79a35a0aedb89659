package flora.store.memory;

import flora.store.ObjectStore;
import flora.store.ObjectStoreContract;
import java.time.Clock;

class MemoryObjectStoreTest extends ObjectStoreContract {

  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @Override
  protected ObjectStore store() {
    return store;
  }
}
