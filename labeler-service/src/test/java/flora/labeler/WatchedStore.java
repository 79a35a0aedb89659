package flora.labeler;

import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A store that tells what is opened, and whose etags in listings are digests, as those of S3. */
final class WatchedStore {

  final List<String> opened = new CopyOnWriteArrayList<>();
  final ObjectStore store;

  WatchedStore(ObjectStore inner) {
    this(inner, _ -> {});
  }

  /**
   * @param onOpen told the key before it is opened
   */
  WatchedStore(ObjectStore inner, Consumer<String> onOpen) {
    this.store =
        (ObjectStore)
            Proxy.newProxyInstance(
                ObjectStore.class.getClassLoader(),
                new Class<?>[] {ObjectStore.class},
                (_, method, arguments) -> {
                  if (method.getName().equals("open")) {
                    onOpen.accept((String) arguments[1]);
                    opened.add((String) arguments[1]);
                  }
                  try {
                    var result = method.invoke(inner, arguments);
                    return method.getName().equals("list")
                        ? ((Stream<?>) result).map(o -> digested(inner, (ObjectInfo) o))
                        : result;
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
  }

  private static ObjectInfo digested(ObjectStore inner, ObjectInfo object) {
    var bytes = inner.read(object.bucket(), object.key()).orElseThrow().bytes();
    return new ObjectInfo(
        object.bucket(),
        object.key(),
        object.size(),
        flora.schemas.Sha256.sum(bytes).hex(),
        object.lastModified());
  }
}
