package flora.trainer.encode;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.tokenizer.ClipTokenizer;
import flora.schemas.Sha256;
import flora.trainer.data.CaptionRules;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.PictureSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.SortedMap;

/**
 * Captions as the denoiser reads them: a hidden state of the text encoder at all 77 places, after
 * the last norm. Embeddings are kept by text, so that what becomes of captions costs nothing where
 * it makes no new texts.
 */
public final class Prompts implements AutoCloseable {

  private static final Optional<float[]> NOTHING = Optional.empty();

  private final ClipTokenizer tokenizer;
  private final ClipTextEncoder encoder;
  private final int skippedLayers;
  private final PictureSet pictures;
  private final CaptionRules rules;
  private final Frozen frozen;
  private final SortedMap<String, Sha256> network;
  private final EncodingCache<String, NDArray> embeddings;
  private final long bytes;

  /** Texts that chance makes are not kept from run to run. */
  private final boolean comesAgain;

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
      Frozen frozen,
      long cacheBytes) {
    this.tokenizer = tokenizer;
    this.encoder = encoder;
    this.skippedLayers = clipSkip - 1;
    this.pictures = pictures;
    this.rules = rules;
    this.frozen = frozen;
    this.network = frozen.text();
    this.comesAgain = !rules.all("").isEmpty();
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
   * @param heldOut pictures whose captions are read as they are
   * @param proceed called after each
   */
  public void encodeAll(SequencedSet<Integer> needed, List<Integer> heldOut, Runnable proceed) {
    var texts = new LinkedHashSet<String>();
    heldOut.forEach(picture -> texts.add(pictures.caption(picture)));
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

  /** A caption as it is, {@code [1, places, width]}; valid until the next call. */
  public NDArray plain(int picture) {
    embeddings.trim();
    return embeddings.get(pictures.caption(picture));
  }

  /** What the captions of a batch have become. */
  private List<String> texts(List<Draw> draws) {
    return draws.stream()
        .map(draw -> rules.caption(pictures.caption(draw.picture()), draw))
        .toList();
  }

  private NDArray encode(String caption) {
    long[] shape = {1, encoder.config().positions(), width()};
    var key =
        new EncodingKey.Text(
            caption, skippedLayers + 1, network, frozen.compute(), EncodingKey.VERSION);
    var known = comesAgain ? frozen.store().find(key, EncodingStore.extents(shape)) : NOTHING;
    if (known.isPresent()) {
      return Scope.release(Aten.of(known.get(), shape));
    }
    try (var _ = new Scope()) {
      var ids = tokenizer.encode(caption, encoder.config().positions()).ids();
      var states = Scope.release(encoder.forward(Aten.of(ids, 1, ids.length), null, skippedLayers));
      if (comesAgain) {
        frozen.store().put(key, EncodingStore.extents(shape), states.toFloatArray());
      }
      return states;
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
