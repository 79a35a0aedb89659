package flora.fetcher;

import flora.embedded.EmbeddedS3;
import flora.schemas.store.StoreLayout;
import flora.store.LocalFiles;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;

/** Connections to a store that a test has started. */
public final class Stores {

  private Stores() {}

  /** All buckets are there. */
  public static S3ObjectStore connect(EmbeddedS3 to) {
    var store =
        new S3ObjectStore(
            to.endpoint(),
            to.accessKey(),
            new Secret(to.secretKey()),
            "us-east-1",
            LocalFiles.none());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return store;
  }
}
