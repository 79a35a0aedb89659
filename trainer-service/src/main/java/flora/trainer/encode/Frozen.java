package flora.trainer.encode;

import flora.schemas.Sha256;
import java.util.Map;
import java.util.SortedMap;

/**
 * Which networks encode, where, and where that is kept.
 *
 * @param weights digests of the model's files, by role and path
 * @param compute what computes, in one line
 * @param store keeps encodings from run to run
 */
public record Frozen(Map<String, Sha256> weights, String compute, EncodingStore store) {

  public Frozen {
    weights = Map.copyOf(weights);
  }

  SortedMap<String, Sha256> autoencoder() {
    return EncodingKey.files(weights, "vae", "vae");
  }

  /** Text encoder and tokenizer. */
  SortedMap<String, Sha256> text() {
    var files = EncodingKey.files(weights, "text_encoder", "text_encoder");
    EncodingKey.files(weights, "tokenizer", "tokenizer")
        .forEach((path, digest) -> files.put("tokenizer/" + path, digest));
    return files;
  }
}
