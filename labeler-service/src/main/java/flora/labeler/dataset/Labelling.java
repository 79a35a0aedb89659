package flora.labeler.dataset;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.Prepared;
import flora.labeler.image.DatasetException;
import flora.labeler.image.ImageSet;
import flora.labeler.image.Picture;
import flora.labeler.image.PictureReader;
import flora.labeler.image.PictureReader.Outcome;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest.Image;
import flora.schemas.dataset.DatasetManifest.Rejected;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One pass over the pictures of a dataset. Some threads read and decode ahead, at most two batches;
 * one computes: what lies in memory depends on the batch, not on the dataset.
 */
public final class Labelling {

  /** Told as the pass goes on. */
  public interface Listener {

    /** Between pictures; throws to stop. */
    void proceed();

    /** A picture is left out. */
    void rejected(Rejected picture);

    /** Pictures are done, rejected ones included. */
    void progressed(long done);
  }

  /** A picture that was looked at. */
  private sealed interface Looked {

    record Ready(
        Picture picture,
        long size,
        Sha256 sha256,
        int width,
        int height,
        @Nullable Prepared prepared)
        implements Looked {}

    record Refused(Rejected why) implements Looked {}
  }

  private final PictureReader reader;
  private final @Nullable Captioner captioner;
  private final @Nullable String triggerWord;
  private final int threads;
  private final int batchSize;
  private final Listener listener;

  private final List<LabeledPicture> labeled = new ArrayList<>();
  private final List<Rejected> rejected = new ArrayList<>();
  private boolean anyMade;

  /**
   * A pass.
   *
   * @param captioner null = only captions that are there count
   * @param triggerWord stands alone as the caption where there is neither caption nor captioner
   * @param threads that read and decode
   * @param batchSize pictures that are captioned at once
   */
  public Labelling(
      PictureReader reader,
      @Nullable Captioner captioner,
      @Nullable String triggerWord,
      int threads,
      int batchSize,
      Listener listener) {
    this.reader = reader;
    this.captioner = captioner;
    this.triggerWord = triggerWord;
    this.threads = threads;
    this.batchSize = batchSize;
    this.listener = listener;
  }

  /**
   * Labels the pictures.
   *
   * @throws DatasetException.Empty when none of them can be used
   */
  public DatasetVersion run(String dataset, ImageSet images) throws InterruptedException {
    images.missing().forEach(this::reject);
    var pool =
        Executors.newFixedThreadPool(threads, Thread.ofPlatform().name("decode-", 0).factory());
    try {
      run(images.pictures(), pool);
    } finally {
      pool.shutdownNow();
    }
    if (labeled.isEmpty()) {
      var first = rejected.getFirst();
      throw new DatasetException.Empty(
          dataset,
          "%d left out, the first is %s: %s"
              .formatted(rejected.size(), first.fileName(), first.reason()));
    }
    return new DatasetVersion(
        dataset,
        labeled,
        rejected,
        anyMade && captioner != null ? captioner.recipe().model() : null);
  }

  /** How many pictures have a caption. */
  public long rows() {
    return labeled.size();
  }

  /** How many are left out. */
  public long rejectedCount() {
    return rejected.size();
  }

  private void run(List<Picture> pictures, ExecutorService pool) throws InterruptedException {
    var ahead = new ArrayDeque<Future<Looked>>();
    var batch = new ArrayList<Looked.Ready>(batchSize);
    var rest = pictures.iterator();
    while (rest.hasNext() || !ahead.isEmpty()) {
      while (rest.hasNext() && ahead.size() < 2 * batchSize) {
        var picture = rest.next();
        ahead.add(pool.submit(() -> prepare(picture)));
      }
      listener.proceed();
      switch (result(ahead.remove())) {
        case Looked.Refused(var why) -> reject(why);
        case Looked.Ready ready -> batch.add(ready);
      }
      if (batch.size() == batchSize) {
        finish(batch);
      }
      listener.progressed(labeled.size() + rejected.size());
    }
    finish(batch);
    listener.progressed(labeled.size() + rejected.size());
  }

  private Looked prepare(Picture picture) {
    return switch (reader.read(picture)) {
      case Outcome.Unusable(var why) -> new Looked.Refused(why);
      case Outcome.Usable(_, long size, var sha256, var pixels) -> {
        if (given(picture) == null && captioner == null && triggerWord == null) {
          yield new Looked.Refused(
              new Rejected(picture.fileName(), "no caption came with it, and the labeler is none"));
        }
        var prepared =
            given(picture) == null && captioner != null ? captioner.prepare(pixels) : null;
        yield new Looked.Ready(picture, size, sha256, pixels.width(), pixels.height(), prepared);
      }
    };
  }

  private static @Nullable String given(Picture picture) {
    var caption = picture.caption();
    return caption == null || caption.isBlank() ? null : caption.strip();
  }

  private void finish(List<Looked.Ready> batch) {
    var prepared = new ArrayList<Prepared>();
    for (var ready : batch) {
      if (ready.prepared() != null) {
        prepared.add(ready.prepared());
      }
    }
    var captions =
        captioner == null || prepared.isEmpty()
            ? List.<Caption>of().iterator()
            : captioner.caption(prepared, listener::proceed).iterator();
    for (var ready : batch) {
      var given = given(ready.picture());
      if (given != null) {
        add(ready, given, "user", List.of());
      } else if (captioner != null) {
        var made = captions.next();
        anyMade = true;
        add(ready, made.text(), captioner.recipe().labeler(), made.labels());
      } else {
        add(ready, String.valueOf(triggerWord), "trigger_word", List.of());
      }
    }
    batch.clear();
  }

  private void add(Looked.Ready ready, String text, String source, List<Caption.Score> scores) {
    labeled.add(
        new LabeledPicture(
            new Image(
                ready.picture().fileName(),
                ready.sha256(),
                ready.size(),
                ready.width(),
                ready.height(),
                text,
                source),
            scores));
  }

  private void reject(Rejected why) {
    rejected.add(why);
    listener.rejected(why);
  }

  private static Looked result(Future<Looked> future) throws InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException known -> throw known;
        case Error fatal -> throw fatal;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }
}
