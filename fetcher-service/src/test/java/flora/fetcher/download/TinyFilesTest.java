package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TinyFilesTest {

  private static final int FILES = 300;
  private static final String PREFIX = "blobs/git-sha1/";

  private final AtomicInteger questions = new AtomicInteger();

  @Test
  void veryManyTinyFilesAreAskedForOnlyWhereSomeAreThere() throws Exception {
    var repo = FakeRepo.model("flora/tiny");
    for (int i = 0; i < FILES; i++) {
      repo.file(i + ".json", ("{\"number\": " + i + "}").getBytes(StandardCharsets.UTF_8));
    }
    try (var rig = new Rig(counting(new MemoryObjectStore(Clock.systemUTC())), repo, 0)) {
      var told = new Rig.Told();
      rig.downloader().run(List.of(rig.plan()), told);
      assertThat(told.verified).hasSize(FILES);
      assertThat(questions).hasValueLessThan(FILES / 5);

      int sent = rig.hub(0).sent().size();
      var again = new Rig.Told();
      rig.downloader().run(List.of(rig.plan()), again);

      assertThat(again.verified).hasSize(FILES);
      assertThat(rig.hub(0).sent()).hasSize(sent);
    }
  }

  /** Counts the questions for a git id. */
  private ObjectStore counting(ObjectStore store) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            ObjectStore.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("read")
                  && String.valueOf(arguments[1]).startsWith(PREFIX)) {
                questions.incrementAndGet();
              }
              try {
                return method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
