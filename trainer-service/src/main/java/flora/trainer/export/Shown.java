package flora.trainer.export;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.Bucket;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What sd-scripts tell of the pictures that were shown, beside the plan.
 *
 * @param vae digest of the weights of an autoencoder of its own; null = the model's
 * @param cuts what one epoch shows
 */
public record Shown(@Nullable Sha256 vae, List<Cut> cuts) {

  /** Nothing is known. */
  public static final Shown NOTHING = new Shown(null, List.of());

  /** So many tags of a folder are named; sentences are tags, too. */
  private static final int TAGS = 1000;

  public Shown {
    cuts = List.copyOf(cuts);
  }

  /**
   * A picture.
   *
   * @param fileName folders before it
   * @param caption its text
   * @param width of the picture, pixels
   * @param height of the picture, pixels
   * @param bucket what it was cut to
   * @param times how often in an epoch
   */
  public record Cut(
      String fileName, String caption, int width, int height, Bucket bucket, int times) {
    private double shapeError() {
      return Math.abs((double) bucket.width() / bucket.height() - (double) width / height);
    }

    private String folder(String otherwise) {
      int slash = fileName.indexOf('/');
      return slash < 0 ? otherwise : fileName.substring(0, slash);
    }
  }

  private record Resolution(List<Integer> resolution, long count) {}

  /** As {@code ss_bucket_info} has it: sizes with their showings, and how far shapes were bent. */
  String bucketInfo() {
    var counts = new TreeMap<Bucket, Long>();
    cuts.forEach(cut -> counts.merge(cut.bucket(), (long) cut.times(), Long::sum));
    var buckets = new LinkedHashMap<String, Resolution>();
    counts.forEach(
        (bucket, count) ->
            buckets.put(
                Integer.toString(buckets.size()),
                new Resolution(List.of(bucket.width(), bucket.height()), count)));
    var info = new LinkedHashMap<String, Object>();
    info.put("buckets", buckets);
    info.put("mean_img_ar_error", cuts.stream().mapToDouble(Cut::shapeError).average().orElse(0));
    return Json.mapper().writeValueAsString(info);
  }

  /**
   * As {@code ss_tag_frequency} has it: what stands between commas, by folder, the most frequent
   * first.
   *
   * @param dataset its name, for pictures that lie in no folder
   */
  String tagFrequency(String dataset) {
    SortedMap<String, Map<String, Long>> counted = new TreeMap<>();
    for (var cut : cuts) {
      var tags = counted.computeIfAbsent(cut.folder(dataset), _ -> new TreeMap<>());
      for (var tag : cut.caption().split(",")) {
        if (!tag.isBlank()) {
          tags.merge(tag.strip().toLowerCase(Locale.ROOT), 1L, Long::sum);
        }
      }
    }
    counted.replaceAll((_, tags) -> mostFrequent(tags));
    return Json.mapper().writeValueAsString(counted);
  }

  private static Map<String, Long> mostFrequent(Map<String, Long> tags) {
    var some = new LinkedHashMap<String, Long>();
    tags.entrySet().stream()
        .sorted(
            Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(TAGS)
        .forEach(tag -> some.put(tag.getKey(), tag.getValue()));
    return some;
  }
}
