package flora.schemas.dataset;

import com.fasterxml.jackson.annotation.JsonInclude;
import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * {@code datasets/{name}/latest.json}: the newest version of a dataset; moves last, and never to a
 * version that was made of an older listing.
 *
 * @param dataset its name
 * @param version the version
 * @param manifest its {@link DatasetManifest}
 * @param listedAt when the pictures were listed that it is made of; null where nobody noted it
 */
public record DatasetLatest(
    String dataset,
    Sha256 version,
    ObjectRef manifest,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Instant listedAt) {

  /** Of a listing whose time nobody noted. */
  public DatasetLatest(String dataset, Sha256 version, ObjectRef manifest) {
    this(dataset, version, manifest, null);
  }
}
