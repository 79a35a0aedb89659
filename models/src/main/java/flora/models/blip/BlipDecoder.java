package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.blip.BlipTextAttention.Memory;
import flora.models.generate.TextDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The text decoder token by token: keys and values of the tokens so far are kept, those of the
 * pictures are computed once, for all beams of a picture together.
 */
final class BlipDecoder implements TextDecoder {
  private final BlipText network;
  private final int beams;
  private final List<Memory> pictures = new ArrayList<>(); // each [pictures, p, size]
  private final List<Memory> texts = new ArrayList<>(); // each [rows, past, size]
  private int rows;
  private int past;

  /** {@code imageEmbeds} {@code [pictures, p, d]} are not needed any longer afterwards. */
  BlipDecoder(BlipText network, NDArray imageEmbeds, int beams) {
    this.network = network;
    this.beams = beams;
    rows = Math.toIntExact(imageEmbeds.getShape().get(0)) * beams;
    try (var _ = new Scope()) {
      for (BlipTextLayer layer : network.layers()) {
        pictures.add(layer.ofPictures(imageEmbeds).release());
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int vocabulary() {
    return network.config().vocabulary();
  }

  @Override
  public float[] next(int[] ids, int tokensPerRow) {
    if (ids.length != rows * tokensPerRow || (past > 0 && tokensPerRow != 1)) {
      throw new IllegalArgumentException(
          "%d tokens, %d a row, after %d; expected %d rows, one token each once they have begun"
              .formatted(ids.length, tokensPerRow, past, rows));
    }
    long[] wide = IntStream.of(ids).asLongStream().toArray();
    try (var _ = new Scope()) {
      NDArray x = network.embed(Aten.of(wide, rows, tokensPerRow), past); // [rows, t, size]
      for (int i = 0; i < network.layers().size(); i++) {
        BlipTextLayer layer = network.layers().get(i);
        Memory text = remember(i, layer.ofText(x));
        x = layer.forward(x, text, pictures.get(i), tokensPerRow > 1);
      }
      past += tokensPerRow;
      NDArray last = Aten.narrow(x, 1, tokensPerRow - 1, 1); // [rows, 1, size]
      return network.head(last).toFloatArray();
    }
  }

  private Memory remember(int layer, Memory fresh) {
    if (texts.size() <= layer) {
      texts.add(fresh.release());
    } else {
      replace(texts, layer, texts.get(layer).and(fresh));
    }
    return texts.get(layer);
  }

  private static void replace(List<Memory> memories, int i, Memory memory) {
    memories.set(i, memory.release()).close();
  }

  @Override
  public void reorder(int[] order) {
    try (var _ = new Scope()) {
      if (order.length < rows) {
        int[] left =
            IntStream.range(0, order.length / beams).map(i -> order[i * beams] / beams).toArray();
        select(pictures, left);
      }
      select(texts, order);
      rows = order.length;
    }
  }

  private static void select(List<Memory> memories, int[] entries) {
    NDArray index = Aten.of(IntStream.of(entries).asLongStream().toArray(), entries.length);
    for (int i = 0; i < memories.size(); i++) {
      replace(memories, i, memories.get(i).select(index));
    }
  }

  @Override
  public void close() {
    pictures.forEach(Memory::close);
    texts.forEach(Memory::close);
    pictures.clear();
    texts.clear();
  }
}
