package flora.trainer.encode;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.clip.ClipTextEncoder;
import flora.models.clip.TextConditioning;
import flora.models.clip.TokenWindows;
import flora.models.tokenizer.ClipTokenizer;
import flora.schemas.Sha256;
import flora.schemas.request.CaptionPlan;
import flora.trainer.data.CaptionRules;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.PictureSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.SortedMap;

/**
 * Captions as the denoiser reads them: a hidden state of the text encoder at all places, after the
 * last norm. Embeddings are kept by text, so that what becomes of captions costs nothing where it
 * makes no new texts; those of an encoder that learns are computed each time.
 */
public final class Prompts implements AutoCloseable {

  private static final Optional<float[]> NOTHING = Optional.empty();

  private final ClipTextEncoder encoder;
  private final TextConditioning conditioning;
  private final boolean learns;
  private final int clipSkip;
  private final PictureSet pictures;
  private final CaptionRules rules;
  private final Frozen frozen;
  private final SortedMap<String, Sha256> network;
  private final EncodingCache<String, NDArray> embeddings;
  private final long bytes;

  /** Texts that chance makes are not kept from run to run. */
  private final boolean comesAgain;

  private boolean encoderOpen;

  /**
   * Takes over an encoder that does not learn; one that does stays the caller's.
   *
   * @param plan what is read of a text, and which layer speaks
   */
  public Prompts(
      ClipTokenizer tokenizer,
      ClipTextEncoder encoder,
      boolean learns,
      CaptionPlan plan,
      PictureSet pictures,
      CaptionRules rules,
      Frozen frozen,
      long cacheBytes) {
    this.encoder = encoder;
    this.clipSkip = plan.clipSkip();
    this.conditioning = conditioning(tokenizer, encoder, plan);
    this.learns = learns;
    this.encoderOpen = !learns;
    this.pictures = pictures;
    this.rules = rules;
    this.frozen = frozen;
    this.network = frozen.text();
    this.comesAgain = !rules.all("").isEmpty();
    this.bytes = (long) Float.BYTES * conditioning.length() * width();
    this.embeddings = new EncodingCache<>(cacheBytes, this::encode, _ -> bytes, NDArray::close);
  }

  /** How texts are read. */
  public static TextConditioning conditioning(
      ClipTokenizer tokenizer, ClipTextEncoder encoder, CaptionPlan plan) {
    int windows = plan.maxTokenLength() / CaptionPlan.WINDOW;
    int places = encoder.config().positions();
    return new TextConditioning(
        encoder, TokenWindows.of(tokenizer, windows, places), plan.clipSkip());
  }

  /** Numbers for each place. */
  public int width() {
    return conditioning.width();
  }

  /**
   * Encodes in advance all that the captions of these pictures may become and frees the text
   * encoder, if it does not learn and that can be counted and fits.
   *
   * @param heldOut pictures whose captions are read as they are
   * @param proceed called after each
   */
  public void encodeAll(SequencedSet<Integer> needed, List<Integer> heldOut, Runnable proceed) {
    if (learns) {
      return;
    }
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

  /**
   * The captions of a batch, {@code [n, places, width]}.
   *
   * @return the number of the value
   */
  public int batch(Segments segments, List<Draw> draws) {
    if (learns) {
      return conditioning.encode(segments, texts(draws));
    }
    embeddings.trim();
    try (var _ = new Scope()) {
      return segments.input(
          Aten.cat(texts(draws).stream().map(embeddings::get).toList(), 0), false);
    }
  }

  /** A caption as it is, {@code [1, places, width]}; valid until the next call, in this scope. */
  public NDArray plain(int picture) {
    var caption = pictures.caption(picture);
    if (learns) {
      return conditioning.encode(List.of(caption));
    }
    embeddings.trim();
    return embeddings.get(caption);
  }

  /** What the captions of a batch have become. */
  private List<String> texts(List<Draw> draws) {
    return draws.stream()
        .map(draw -> rules.caption(pictures.caption(draw.picture()), draw))
        .toList();
  }

  private NDArray encode(String caption) {
    long[] shape = {1, conditioning.length(), width()};
    var key =
        new EncodingKey.Text(
            caption,
            clipSkip,
            conditioning.windows(),
            network,
            frozen.compute(),
            EncodingKey.VERSION);
    var known = comesAgain ? frozen.store().find(key, EncodingStore.extents(shape)) : NOTHING;
    if (known.isPresent()) {
      return Scope.release(Aten.of(known.get(), shape));
    }
    try (var _ = new Scope()) {
      var states = Scope.release(conditioning.encode(List.of(caption)));
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
