package flora.trainer.recipe;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.singlefile.ModelFiles;
import flora.models.tokenizer.ClipTokenizer;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.PictureSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/** Captions as the denoiser reads them: the text encoder's last hidden state of all 77 places. */
final class Prompts implements AutoCloseable {

  private final ClipTokenizer tokenizer;
  private final ClipTextEncoder encoder;
  private final PictureSet pictures;
  private final EncodingCache<String, NDArray> embeddings;
  private boolean encoderOpen = true;

  private Prompts(
      ClipTokenizer tokenizer, ClipTextEncoder encoder, PictureSet pictures, long cacheBytes) {
    this.tokenizer = tokenizer;
    this.encoder = encoder;
    this.pictures = pictures;
    long bytes = (long) Float.BYTES * encoder.config().positions() * width();
    this.embeddings =
        new EncodingCache<>(
            (int) Math.min(Integer.MAX_VALUE, cacheBytes / bytes), this::encode, NDArray::close);
  }

  /** Opens tokenizer and text encoder. */
  static Prompts open(ModelFiles model, PictureSet pictures, long cacheBytes) {
    return new Prompts(model.tokenizer(), model.textEncoder(), pictures, cacheBytes);
  }

  /** Numbers for each place. */
  int width() {
    return encoder.config().size();
  }

  /**
   * Encodes the captions of these pictures in advance and frees the text encoder, if all fit.
   *
   * @param proceed called after each
   */
  void encodeAll(SequencedSet<Integer> needed, Runnable proceed) {
    var captions = new LinkedHashSet<String>();
    needed.forEach(picture -> captions.add(pictures.caption(picture)));
    if (captions.size() > embeddings.capacity()) {
      return;
    }
    for (var caption : captions) {
      embeddings.get(caption);
      proceed.run();
    }
    encoder.close();
    encoderOpen = false;
  }

  /** The captions of a batch, {@code [n, places, width]}, in the caller's scope. */
  NDArray batch(List<Draw> draws) {
    var captions =
        draws.stream().map(draw -> embeddings.get(pictures.caption(draw.picture()))).toList();
    return Aten.cat(captions, 0);
  }

  private NDArray encode(String caption) {
    try (var _ = new Scope()) {
      var ids = tokenizer.encode(caption, encoder.config().positions()).ids();
      return Scope.release(encoder.forward(Aten.of(ids, 1, ids.length)));
    }
  }

  @Override
  public void close() {
    embeddings.close();
    if (encoderOpen) {
      encoder.close();
    }
  }
}
