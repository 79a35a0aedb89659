package flora.trainer.encode;

import flora.models.image.TrainingTransform.Cut;
import flora.schemas.Json;
import flora.schemas.Sha256;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * All that an encoding follows from, the machine included: only so a run that finds encodings ends
 * with the same bytes as one that makes them.
 */
sealed interface EncodingKey {

  /** Another one whenever the same picture or text would be encoded to other numbers. */
  int VERSION = 1;

  /**
   * The latents' distribution of a view of a picture.
   *
   * @param image digest of the picture's bytes
   * @param cut what is seen of it
   * @param network digests of the autoencoder's files
   * @param compute what computes
   * @param version {@link #VERSION}
   */
  record View(Sha256 image, Cut cut, SortedMap<String, Sha256> network, String compute, int version)
      implements EncodingKey {}

  /**
   * The state of a text.
   *
   * @param text what is encoded
   * @param clipSkip which layer speaks
   * @param windows of the text encoder that are read
   * @param network digests of the files of text encoder and tokenizer
   * @param compute what computes
   * @param version {@link #VERSION}
   */
  record Text(
      String text,
      int clipSkip,
      int windows,
      SortedMap<String, Sha256> network,
      String compute,
      int version)
      implements EncodingKey {}

  /** The digest that an encoding is stored under. */
  default Sha256 digest() {
    return Sha256.sum(Json.bytes(this));
  }

  /**
   * The files of one part of a model among all that were fetched: those of a repository of its own,
   * or else those in the base model's folder, or else, where the model is one file, all.
   */
  static SortedMap<String, Sha256> files(
      Map<String, Sha256> weights, String repository, String folder) {
    for (var prefix : new String[] {repository + "/", "base_model/" + folder + "/"}) {
      var files = new TreeMap<String, Sha256>();
      weights.forEach(
          (path, digest) -> {
            if (path.startsWith(prefix)) {
              files.put(path.substring(prefix.length()), digest);
            }
          });
      if (!files.isEmpty()) {
        return files;
      }
    }
    return new TreeMap<>(weights);
  }
}
