package flora.trainer.encode;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.tokenizer.ClipTokenizer;
import flora.trainer.data.CaptionRules;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.PictureSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * Captions as the denoiser reads them: a hidden state of the text encoder at all 77 places, after
 * the last norm. Embeddings are kept by text, so that what becomes of captions costs nothing where
 * it makes no new texts.
 */
public final class Prompts implements AutoCloseable {

  private final ClipTokenizer tokenizer;
  private final ClipTextEncoder encoder;
  private final int skippedLayers;
  private final PictureSet pictures;
  private final CaptionRules rules;
  private final EncodingCache<String, NDArray> embeddings;
  private final long bytes;
  private boolean encoderOpen = true;

  /**
   * Takes over the encoder.
   *
   * @param clipSkip which layer speaks, counted from the last, which is 1
   */
  public Prompts(
      ClipTokenizer tokenizer,
      ClipTextEncoder encoder,
      int clipSkip,
      PictureSet pictures,
      CaptionRules rules,
      long cacheBytes) {
    this.tokenizer = tokenizer;
    this.encoder = encoder;
    this.skippedLayers = clipSkip - 1;
    this.pictures = pictures;
    this.rules = rules;
    this.bytes = (long) Float.BYTES * encoder.config().positions() * width();
    this.embeddings = new EncodingCache<>(cacheBytes, this::encode, _ -> bytes, NDArray::close);
  }

  /** Numbers for each place. */
  public int width() {
    return encoder.config().size();
  }

  /**
   * Encodes in advance all that the captions of these pictures may become and frees the text
   * encoder, if that can be counted and fits.
   *
   * @param proceed called after each
   */
  public void encodeAll(SequencedSet<Integer> needed, Runnable proceed) {
    var texts = new LinkedHashSet<String>();
    for (int picture : needed) {
      var all = rules.all(pictures.caption(picture));
      texts.addAll(all);
      if (all.isEmpty() || texts.size() > embeddings.capacity() / bytes) {
        return;
      }
    }
    for (var text : texts) {
      embeddings.get(text);
      proceed.run();
    }
    encoder.close();
    encoderOpen = false;
  }

  /** The captions of a batch, {@code [n, places, width]}, in the caller's scope. */
  public NDArray batch(List<Draw> draws) {
    embeddings.trim();
    return Aten.cat(texts(draws).stream().map(embeddings::get).toList(), 0);
  }

  /** What the captions of a batch have become. */
  private List<String> texts(List<Draw> draws) {
    return draws.stream()
        .map(draw -> rules.caption(pictures.caption(draw.picture()), draw))
        .toList();
  }

  private NDArray encode(String caption) {
    try (var _ = new Scope()) {
      var ids = tokenizer.encode(caption, encoder.config().positions()).ids();
      return Scope.release(encoder.forward(Aten.of(ids, 1, ids.length), null, skippedLayers));
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
