package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.tokenizer.ClipTokenizer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a denoiser reads of texts: the states of the text encoder, of all windows of a text side by
 * side.
 */
public final class TextConditioning {
  private final ClipTextEncoder encoder;
  private final TokenWindows windows;
  private final int skip;

  /**
   * Over an open encoder, which stays the caller's.
   *
   * @param clipSkip from which layer before the last the states are taken; 1 = the last
   */
  public TextConditioning(ClipTextEncoder encoder, TokenWindows windows, int clipSkip) {
    if (clipSkip < 1 || clipSkip > encoder.config().layers()) {
      throw new IllegalArgumentException(
          "clip_skip is %d, expected 1 to %d".formatted(clipSkip, encoder.config().layers()));
    }
    this.encoder = encoder;
    this.windows = windows;
    skip = clipSkip - 1;
  }

  /** The last states of texts of one window, as diffusers' pipeline takes them. */
  public static TextConditioning plain(ClipTextEncoder encoder, ClipTokenizer tokenizer) {
    int places = Math.min(tokenizer.maxLength(), encoder.config().positions());
    return new TextConditioning(encoder, TokenWindows.of(tokenizer, 1, places), 1);
  }

  /** What computes the states. */
  public ClipTextEncoder encoder() {
    return encoder;
  }

  /** The size of a state. */
  public int width() {
    return encoder.config().size();
  }

  /** How many states a text has. */
  public int length() {
    return windows.length();
  }

  /** Windows of a text: the encoder computes so many rows for each. */
  public int windows() {
    return windows.count();
  }

  /** {@code [n, length, width]}. */
  public NDArray encode(List<String> texts) {
    return Scope.keeping(() -> join(encoder.forward(ids(texts), null, skip)));
  }

  /**
   * {@link #encode(List)} in segments, for training the encoder.
   *
   * @return number of the states
   */
  public int encode(Segments segments, List<String> texts) {
    int ids;
    try (var _ = new Scope()) {
      ids = segments.input(ids(texts), false);
    }
    int states = encoder.forward(segments, ids, skip);
    return windows.count() == 1
        ? states
        : segments.single(
            List.of(states), List.of(), values -> Scope.keeping(() -> join(values.getFirst())));
  }

  private NDArray ids(List<String> texts) {
    int rows = texts.size() * windows.count();
    long[] ids = windows.ids(texts);
    return Aten.of(ids, rows, ids.length / rows);
  }

  /** The start of the first window, what is between start and end of each, the end of the last. */
  private NDArray join(NDArray states) { // [n·windows, t, width]
    int count = windows.count();
    if (count == 1) {
      return states;
    }
    long t = states.getShape().get(1);
    NDArray row = Aten.reshape(states, -1, count * t, width());
    var parts = new ArrayList<NDArray>();
    parts.add(Aten.narrow(row, 1, 0, 1));
    for (int i = 0; i < count; i++) {
      parts.add(Aten.narrow(row, 1, i * t + 1, t - 2));
    }
    parts.add(Aten.narrow(row, 1, count * t - 1, 1));
    return Aten.cat(parts, 1);
  }
}
