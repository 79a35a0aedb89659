package flora.tensors.pickle;

import java.io.IOException;

/** Where the bytes of the storages lie in a file. */
@FunctionalInterface
interface Storages {

  /**
   * Where a storage begins in the file, after its own header there was compared with what the
   * directory or the pickle says.
   */
  long begin(Value.Storage storage) throws IOException;
}
