package flora.labeler;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How the labeler works.
 *
 * @param batchSize pictures that are captioned at once, 1 to 256
 * @param decodeThreads threads that read and decode pictures, 1 to 64; each holds one picture
 * @param maxFileSize larger picture files are rejected, up to 1 GB
 * @param maxPixels larger pictures are rejected before they are decoded
 * @param shardSize pictures that are one part of a labelling, 1 to 10,000: what is lost at most
 *     when a process dies
 * @param shardClaim how long who works on a part may be silent before another takes it, 1 s to 1 h
 */
@ConfigurationProperties("labeler")
record LabelerProperties(
    @DefaultValue("8") int batchSize,
    @DefaultValue("2") int decodeThreads,
    @DefaultValue("64MB") DataSize maxFileSize,
    @DefaultValue("89478485") long maxPixels,
    @DefaultValue("256") int shardSize,
    @DefaultValue("30s") Duration shardClaim) {

  LabelerProperties {
    if (batchSize < 1 || batchSize > 256) {
      throw new IllegalArgumentException(
          "labeler.batch-size must be from 1 to 256, but is " + batchSize);
    }
    if (decodeThreads < 1 || decodeThreads > 64) {
      throw new IllegalArgumentException(
          "labeler.decode-threads must be from 1 to 64, but is " + decodeThreads);
    }
    if (maxFileSize.toBytes() < 1 || maxFileSize.toBytes() > (1 << 30)) {
      throw new IllegalArgumentException(
          "labeler.max-file-size must be from 1 byte to 1 GB, but is " + maxFileSize);
    }
    if (maxPixels < 1 || maxPixels > Integer.MAX_VALUE / 3) {
      throw new IllegalArgumentException(
          "labeler.max-pixels must be from 1 to 715827882, but is " + maxPixels);
    }
    if (shardSize < 1 || shardSize > 10_000) {
      throw new IllegalArgumentException(
          "labeler.shard-size must be from 1 to 10000, but is " + shardSize);
    }
    if (shardClaim.toSeconds() < 1 || shardClaim.toHours() > 1) {
      throw new IllegalArgumentException(
          "labeler.shard-claim must be from 1 s to 1 h, but is " + shardClaim);
    }
  }
}
