package flora.schemas.dataset;

import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;

/**
 * {@code datasets/{name}/latest.json}: the newest version of a dataset; moves last.
 *
 * @param dataset its name
 * @param version the version
 * @param manifest its {@link DatasetManifest}
 */
public record DatasetLatest(String dataset, Sha256 version, ObjectRef manifest) {}
