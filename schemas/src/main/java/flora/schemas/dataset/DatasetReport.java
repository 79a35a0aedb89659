package flora.schemas.dataset;

import com.fasterxml.jackson.annotation.JsonProperty;
import flora.schemas.Sha256;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a look at a dataset has found, before any time is spent on training.
 *
 * @param dataset its name
 * @param version the version that was looked at; null where none was made
 * @param listing digest of the pictures that lay in the incoming folder, see {@link
 *     DatasetListing}; null for a hub's dataset
 * @param images pictures that can be used
 * @param rejected pictures that cannot
 * @param duplicatesExact pictures whose bytes are those of another
 * @param duplicatesSimilar pictures that look like another
 * @param classes pictures of each class; empty where the dataset has none
 * @param resolution side that pictures should at least have, pixels
 * @param findings the errors, then the warnings
 */
public record DatasetReport(
    String dataset,
    @Nullable Sha256 version,
    @Nullable Sha256 listing,
    long images,
    long rejected,
    long duplicatesExact,
    long duplicatesSimilar,
    Map<String, Long> classes,
    int resolution,
    List<Finding> findings) {

  /** How bad it is. */
  public enum Severity {
    /** Training would fail, or waste its time. */
    @JsonProperty("error")
    ERROR,
    /** Training works, perhaps not as well as it could. */
    @JsonProperty("warning")
    WARNING
  }

  /**
   * One thing that was found.
   *
   * @param severity how bad it is
   * @param code what it is, for programs: {@code missing_caption}, {@code too_small}, …
   * @param count how many pictures it is about
   * @param message what it is, for people
   * @param hint what to do about it
   * @param examples names of some of the pictures, at most 20
   */
  public record Finding(
      Severity severity,
      String code,
      long count,
      String message,
      @Nullable String hint,
      List<String> examples) {
    public Finding {
      examples = List.copyOf(examples);
    }
  }

  public DatasetReport {
    classes = Collections.unmodifiableMap(new LinkedHashMap<>(classes));
    findings = List.copyOf(findings);
  }

  /** Whether something speaks against training. */
  public boolean hasErrors() {
    return findings.stream().anyMatch(f -> f.severity() == Severity.ERROR);
  }
}
