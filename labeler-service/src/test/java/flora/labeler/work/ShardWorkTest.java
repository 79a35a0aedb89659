package flora.labeler.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.caption.Prepared;
import flora.labeler.image.Picture;
import flora.labeler.image.PictureReader;
import flora.models.image.DecodeLimits;
import flora.models.image.RgbImage;
import flora.schemas.Sha256;
import flora.schemas.label.LabelRow;
import flora.schemas.request.LabelOptions.Target;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ShardWorkTest {

  private static final int BATCH = 4;
  private static final int THREADS = 2;
  private static final int AHEAD = 2 * BATCH + THREADS + 4;

  private final MemoryObjectStore memory = new MemoryObjectStore(Clock.systemUTC());
  private final Counting captioner = new Counting();
  private final List<ShardRow> rows = new ArrayList<>();

  ShardWorkTest() {
    memory.ensureBucket(StoreLayout.DATASETS);
  }

  @Test
  void rowsComeInTheOrderOfTheEntriesAndEachOnce() throws Exception {
    work(memory, 50);

    assertThat(rows).extracting(ShardRow::fileName).containsExactlyElementsOf(names(50));
    assertThat(captioner.batches).hasSize(13).allMatch(n -> n <= BATCH);
    assertThat(captioner.batches.stream().mapToInt(n -> n).sum()).isEqualTo(50);
  }

  @Test
  void aPictureThatTakesLongHoldsUpNoOther() throws Exception {
    var others = new CountDownLatch(2); // batches
    captioner.told = others::countDown;
    var slow =
        onOpen(
            key -> {
              if (key.endsWith("/p0.png")) {
                awaitQuietly(others);
              }
              return null;
            });

    work(slow, 9);

    assertThat(others.getCount()).isZero();
    assertThat(rows).extracting(ShardRow::fileName).containsExactlyElementsOf(names(9));
  }

  @Test
  void readingWaitsForTheModel() throws Exception {
    var opened = new AtomicInteger();
    var most = new AtomicInteger();
    var captioned = new AtomicInteger();
    var counted =
        onOpen(
            key -> {
              most.accumulateAndGet(opened.incrementAndGet() - captioned.get(), Math::max);
              return null;
            });
    captioner.told =
        () -> {
          sleep(20);
          captioned.addAndGet(BATCH);
        };

    work(counted, 80);

    // what is between the store and the model, and the batch that it is at
    assertThat(most.get()).isLessThanOrEqualTo(AHEAD + 2 * BATCH);
    assertThat(opened.get()).isEqualTo(80);
  }

  @Test
  void picturesOfTheSameBytesAreDecodedAndLabelledOnce() throws Exception {
    var same = png(7);
    var entries = new ArrayList<Entry>();
    for (int i = 0; i < 10; i++) {
      entries.add(entry("same" + i + ".png", same));
    }
    entries.add(entry("broken.png", new byte[] {1}));
    entries.add(entry("broken2.png", new byte[] {1}));

    work(memory, entries);

    assertThat(captioner.batches).containsExactly(1);
    assertThat(captioner.prepared).hasValue(1);
    assertThat(rows.subList(0, 10))
        .allSatisfy(
            row -> assertThat(((ShardRow.Labelled) row).row().text()).isEqualTo("picture 1"));
    assertThat(rows.subList(10, 12)).allMatch(ShardRow.Left.class::isInstance);
  }

  @Test
  void ofPicturesOfTheSameBytesEachHasItsOwnCaptionAndItsOwnFolder() throws Exception {
    var same = png(7);
    var bare = entry("a.png", same);
    var captioned = new Entry(entry("b.png", same).picture(), "of a person", "user", null, null);

    shard(null, Target.CAPTION).run(List.of(bare, captioned).iterator(), rows::add, () -> {});

    assertThat(rows.get(0)).isInstanceOf(ShardRow.Left.class);
    assertThat(labelled(1).text()).isEqualTo("of a person");
    assertThat(memory.head(StoreLayout.DATASETS, StoreLayout.blob(Sha256.sum(same)))).isPresent();

    rows.clear();
    var inFolder = entry("cats/a.png", same);
    shard(captioner, Target.FOLDERS).run(List.of(bare, inFolder).iterator(), rows::add, () -> {});

    assertThat(captioner.batches).containsExactly(1);
    assertThat(rows.get(0)).isInstanceOf(ShardRow.Left.class);
    assertThat(labelled(1).label()).isEqualTo("cats");
  }

  @Test
  void aPictureThatIsTakenAwayMeanwhileIsLeftOutAndTheOthersGoOn() throws Exception {
    var entries = entries(5);
    var gone = entries.get(2).picture();
    var listed =
        new Entry(
            new Picture(gone.fileName(), gone.bucket(), gone.key(), gone.size(), "etag", null),
            null,
            null,
            null,
            null);
    entries = new ArrayList<>(entries);
    entries.set(2, listed);
    memory.delete(gone.bucket(), gone.key());

    work(memory, entries);

    assertThat(rows).extracting(ShardRow::fileName).containsExactlyElementsOf(names(5));
    assertThat(((ShardRow.Left) rows.get(2)).why().reason()).contains("taken away");
    assertThat(rows.stream().filter(ShardRow.Labelled.class::isInstance)).hasSize(4);
  }

  @Test
  void theBytesThatAreHashedAreTheBytesThatAreKept() throws Exception {
    var first = png(1);
    var second = png(2);
    var entry = entry("a.png", first);
    // replaced after it was opened, by a larger one
    var replaced =
        onOpen(
            key -> {
              if (key.endsWith("/a.png")) {
                put("a.png", second);
              }
              return null;
            });

    work(replaced, List.of(entry));

    var row = ((ShardRow.Labelled) rows.getFirst()).row();
    assertThat(row.sha256()).isEqualTo(Sha256.sum(second));
    assertThat(row.size()).isEqualTo(second.length);
    assertThat(
            memory.read(StoreLayout.DATASETS, StoreLayout.blob(row.sha256())).orElseThrow().bytes())
        .isEqualTo(second);
    assertThat(memory.head(StoreLayout.DATASETS, StoreLayout.verified(row.sha256()))).isPresent();
  }

  @Test
  void whatIsWrongOnAnyThreadEndsTheWork() {
    var store =
        onOpen(
            key -> {
              throw new IllegalStateException("the store of " + key);
            });

    assertThatThrownBy(() -> work(store, 50)).hasMessageContaining("the store of");

    captioner.fails = true;
    assertThatThrownBy(() -> work(memory, 50)).hasMessageContaining("no model");
    assertThat(rows).isEmpty();
  }

  @Test
  void itStopsWhenToldAndWhenInterrupted() throws Exception {
    var asked = new AtomicInteger();
    var entries = entries(50);
    assertThatThrownBy(
            () ->
                shard(memory)
                    .run(
                        entries.iterator(),
                        rows::add,
                        () -> {
                          if (asked.incrementAndGet() == 5) {
                            throw new IllegalStateException("told");
                          }
                        }))
        .hasMessageContaining("told");
    assertThat(rows).hasSizeLessThan(5);

    var hanging =
        onOpen(
            _ -> {
              awaitQuietly(new CountDownLatch(1));
              return null;
            });
    var caught = new Throwable[1];
    var thread =
        Thread.ofPlatform().start(() -> caught[0] = catchThrowable(() -> work(hanging, 5)));
    Thread.sleep(100);
    thread.interrupt();
    thread.join();
    assertThat(caught[0]).isInstanceOf(InterruptedException.class);
  }

  private void work(ObjectStore store, int pictures) throws InterruptedException {
    work(store, entries(pictures));
  }

  private void work(ObjectStore store, List<Entry> entries) throws InterruptedException {
    shard(store).run(entries.iterator(), rows::add, () -> {});
  }

  private LabelRow labelled(int row) {
    return ((ShardRow.Labelled) rows.get(row)).row();
  }

  private ShardWork shard(@Nullable Captioner captioner, Target target) {
    var settings = new ShardSettings(BATCH, THREADS, null, target, null, false, false);
    return new ShardWork(reader(memory), captioner, settings, System::nanoTime);
  }

  private static PictureReader reader(ObjectStore store) {
    return new PictureReader(store, Clock.systemUTC(), 1 << 20, DecodeLimits.DEFAULT);
  }

  private ShardWork shard(ObjectStore store) {
    var reader = reader(store);
    return new ShardWork(reader, captioner, ShardSettings.of(BATCH, THREADS), System::nanoTime);
  }

  private List<Entry> entries(int count) {
    return IntStream.range(0, count).mapToObj(i -> entry("p" + i + ".png", png(i))).toList();
  }

  private static List<String> names(int count) {
    return IntStream.range(0, count).mapToObj(i -> "p" + i + ".png").toList();
  }

  private Entry entry(String name, byte[] bytes) {
    return Entry.of(name, StoreLayout.DATASETS, put(name, bytes), bytes.length);
  }

  private String put(String name, byte[] bytes) {
    var key = StoreLayout.incoming("set") + name;
    memory.put(StoreLayout.DATASETS, key, bytes, "image/png");
    return key;
  }

  /** The store, which asks first whenever something is opened. */
  private ObjectStore onOpen(Function<String, InputStream> first) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            ObjectStore.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (_, method, arguments) -> {
              if (method.getName().equals("open")) {
                first.apply((String) arguments[1]);
              }
              try {
                return method.invoke(memory, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static byte[] png(int colour) {
    var picture = new BufferedImage(8 + colour % 5, 8, BufferedImage.TYPE_INT_RGB);
    picture.setRGB(1, 1, colour * 7919);
    var bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Says how many pictures it has seen, and knows nothing of them. */
  private static final class Counting implements Captioner {
    final List<Integer> batches = new ArrayList<>();
    final AtomicInteger prepared = new AtomicInteger();
    final Semaphore atModel = new Semaphore(1);
    Runnable told = () -> {};
    boolean fails;
    private int seen;

    @Override
    public LabelRecipe recipe() {
      return new LabelRecipe("clip", null, null, Sha256.sum(new byte[0]));
    }

    @Override
    public Prepared prepare(RgbImage picture) {
      prepared.incrementAndGet();
      return new Prepared(null, null);
    }

    @Override
    public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
      if (fails) {
        throw new IllegalStateException("no model");
      }
      assertThat(atModel.tryAcquire()).as("one at a time").isTrue();
      batches.add(pictures.size());
      told.run();
      atModel.release();
      return pictures.stream()
          .map(_ -> new Caption("picture " + ++seen, null, List.of(), null, 0))
          .toList();
    }

    @Override
    public void close() {}
  }
}
