package flora.fetcher.download;

import flora.store.ObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** A store, and the multipart uploads that it begins, with something before every call. */
public final class TamperedStore {

  /** May wait or throw; gets the method's name and arguments. */
  public interface Before {
    void call(String method, Object[] arguments) throws Throwable;
  }

  private TamperedStore() {}

  public static ObjectStore of(ObjectStore inner, Before before) {
    return around(ObjectStore.class, inner, before);
  }

  private static <T> T around(Class<T> type, T inner, Before before) {
    return type.cast(
        Proxy.newProxyInstance(
            TamperedStore.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, given) -> {
              var arguments = given == null ? new Object[0] : given;
              before.call(method.getName(), arguments);
              try {
                var result = method.invoke(inner, given);
                return result instanceof ObjectStore.Multipart upload
                    ? around(ObjectStore.Multipart.class, upload, before)
                    : result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }
}
