package flora.trainer;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How this trainer works; what it trains stands in the requests.
 *
 * @param workFolder where the files of running trainings lie; emptied as they end
 * @param checkpointsToKeep the newest checkpoints of a run that stay in the store
 * @param encodingCache memory for latents and text embeddings, so that each picture and caption is
 *     encoded once
 * @param encodingStore room in the object store for the same, so that a later run on the same data
 *     encodes nothing; 0 = nothing is kept
 */
@ConfigurationProperties("trainer")
record TrainerProperties(
    @DefaultValue(".flora/trainer") Path workFolder,
    @DefaultValue("3") int checkpointsToKeep,
    @DefaultValue("1GB") DataSize encodingCache,
    @DefaultValue("20GB") DataSize encodingStore) {

  TrainerProperties {
    if (checkpointsToKeep < 1) {
      throw new IllegalArgumentException(
          "trainer.checkpoints-to-keep is %d, expected at least 1: a run resumes from it"
              .formatted(checkpointsToKeep));
    }
    if (encodingCache.toBytes() < DataSize.ofMegabytes(16).toBytes()) {
      throw new IllegalArgumentException(
          "trainer.encoding-cache is %s, expected at least 16MB".formatted(encodingCache));
    }
    if (encodingStore.isNegative()) {
      throw new IllegalArgumentException(
          "trainer.encoding-store is %s, expected 0 or more".formatted(encodingStore));
    }
  }
}
