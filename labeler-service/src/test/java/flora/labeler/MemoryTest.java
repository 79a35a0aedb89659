package flora.labeler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import flora.labeler.caption.NullCaptioner;
import flora.models.weights.Int8Units;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/**
 * What lies in memory does not depend on how many pictures there are. With as many as one likes, in
 * a heap of any size, and with what was measured on standard output:
 *
 * <pre>mvn -pl labeler-service -am test -Dtest=MemoryTest -Dsurefire.failIfNoSpecifiedTests=false
 *   -Dflora.memory.pictures=100000 -Dflora.test.heap=256m</pre>
 */
class MemoryTest {

  private static final int FEW = 1_000;
  private static final @Nullable Integer ASKED = Integer.getInteger("flora.memory.pictures");
  private static final int MANY = ASKED == null ? 9_000 : ASKED;

  @TempDir Path folder;

  @Test
  void tenTimesThePicturesNeedNoMoreMemory() {
    assertTimeoutPreemptively(Duration.ofSeconds(120 + MANY / 50), this::measure);
  }

  private void measure() throws Exception {
    heapWhenLooked(FEW); // whatever is made once is there from now on
    long few = heapWhenLooked(FEW);
    long begun = System.nanoTime();
    long many = heapWhenLooked(MANY);
    if (ASKED != null) {
      System.out.printf(
          "%,d pictures in %d s: heap %.1f MB (%.1f MB with %,d), of %d MB at most; process %s%n",
          MANY,
          Duration.ofNanos(System.nanoTime() - begun).toSeconds(),
          many / 1e6,
          few / 1e6,
          FEW,
          Runtime.getRuntime().maxMemory() >> 20,
          peak());
    }

    // a row alone has some 700 bytes; what is found again by a key has 16 for each key
    assertThat((many - few) / (MANY - FEW)).as("bytes for each further picture").isLessThan(300);
  }

  /** The most memory that the process had, as Linux says it. */
  private static String peak() throws IOException {
    var status = Path.of("/proc/self/status");
    return Files.exists(status)
        ? Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("VmHWM"))
            .findFirst()
            .orElse("")
        : "";
  }

  /** Bytes in use when every picture has been looked at and nothing is written yet. */
  private long heapWhenLooked(int pictures) throws Exception {
    var store = new Generated(pictures, Files.createTempDirectory(folder, "store"));
    var captioner = new NullCaptioner("a picture");
    var properties =
        new LabelerProperties(64, 2, DataSize.ofMegabytes(1), 1 << 20, 256, Duration.ofSeconds(30));
    var clock = Clock.systemUTC();
    var task = new ShardTask(store.proxy, clock, "one", properties.shardClaim());
    var flow =
        new LabelerFlow(
            store.proxy,
            new Labelling(
                store.proxy, (_, _, _) -> captioner, properties, clock, Int8Units.UNKNOWN),
            new SharedLabelling(store.proxy, task, _ -> {}, properties.shardSize()),
            new Checking(store.proxy, _ -> null),
            folder.resolve("work"),
            clock);
    var request =
        LabelerRig.request("dataset: {name: many, label: {model: flora/shapes-clip, labels: [a]}}");
    store.memory.put(
        StoreLayout.RUNS, StoreLayout.request(LabelerRig.RUN), Json.bytes(request), "x");
    var context = new Watching(store.head());

    var completed =
        (LabelEvent.Completed)
            flow.run(request, context).apply(new EventStamp(LabelerRig.RUN, 1, 1, Instant.EPOCH));

    assertThat(completed.rows()).isEqualTo(pictures);
    assertThat(captioner.captioned()).isEqualTo(pictures);
    assertThat(context.heap).isPositive();
    return context.heap;
  }

  /** Pictures that are drawn when they are opened; what is uploaded lies on disk. */
  private static final class Generated {
    final MemoryObjectStore memory = new MemoryObjectStore(Clock.systemUTC());
    final ObjectStore proxy;
    private final int pictures;
    private final Path disk;
    private final Map<String, Path> uploaded = new ConcurrentHashMap<>();

    Generated(int pictures, Path disk) {
      this.pictures = pictures;
      this.disk = disk;
      StoreLayout.BUCKETS.forEach(memory::ensureBucket);
      this.proxy =
          (ObjectStore)
              Proxy.newProxyInstance(
                  ObjectStore.class.getClassLoader(),
                  new Class<?>[] {ObjectStore.class},
                  (_, method, arguments) -> call(method, arguments));
    }

    Head head() {
      return new LabelerRig(memory, disk.resolve("rig")).head();
    }

    private Object call(Method method, Object[] arguments) throws Throwable {
      var key = arguments.length > 1 && arguments[1] instanceof String text ? text : "";
      return switch (method.getName()) {
        case "list" -> key.startsWith(StoreLayout.INCOMING) ? listing() : memory(method, arguments);
        case "open" ->
            key.startsWith(StoreLayout.INCOMING)
                ? new ByteArrayInputStream(png(key.hashCode()))
                : Files.newInputStream(uploaded.get(key));
        case "head" ->
            key.endsWith(".verified")
                ? Optional.of(new ObjectInfo("", key, 1, "", Instant.EPOCH))
                : memory(method, arguments);
        case "upload" -> upload((String) arguments[0], key, (Path) arguments[2]);
        default -> memory(method, arguments);
      };
    }

    private Object memory(Method method, Object[] arguments) throws Throwable {
      try {
        return method.invoke(memory, arguments);
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }

    private Object listing() {
      return IntStream.range(0, pictures)
          .mapToObj(
              i ->
                  new ObjectInfo(
                      StoreLayout.DATASETS,
                      StoreLayout.incoming("many") + "p%07d.png".formatted(i),
                      png(0).length,
                      "e" + i,
                      Instant.EPOCH));
    }

    private ObjectRef upload(String bucket, String key, Path file) throws IOException {
      var copy = disk.resolve(Integer.toString(uploaded.size()));
      Files.copy(file, copy);
      uploaded.put(key, copy);
      return new ObjectRef(
          bucket, key, Files.size(copy), flora.labeler.spool.JsonLines.digest(copy));
    }

    private static byte[] png(int colour) {
      var picture = new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB);
      picture.setRGB(1, 1, colour);
      picture.setRGB(2, 2, colour >>> 8);
      var bytes = new ByteArrayOutputStream();
      try {
        ImageIO.write(picture, "png", bytes);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return bytes.toByteArray();
    }
  }

  /** Looks at the heap when the last picture is told. */
  private static final class Watching extends LabelerRig.Context {
    long heap;

    Watching(Head head) {
      super(head, Integer.MAX_VALUE);
    }

    @Override
    public void publish(Function<EventStamp, Event> event) {}

    @Override
    public void progress(Function<EventStamp, Event> event) {
      var told = (LabelEvent.Progressed) event.apply(stamp());
      if (told.done() == told.total()) {
        heap = Math.max(heap, used());
      }
    }

    /** What other tests have left may take more than one collection to go. */
    private static long used() {
      var memory = ManagementFactory.getMemoryMXBean();
      return LongStream.generate(
              () -> {
                memory.gc();
                return memory.getHeapMemoryUsage().getUsed();
              })
          .limit(4)
          .min()
          .orElseThrow();
    }
  }
}
