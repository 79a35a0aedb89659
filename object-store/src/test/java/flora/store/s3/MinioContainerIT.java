package flora.store.s3;

import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.ObjectStoreContract;
import flora.store.Secret;
import java.net.URI;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.testcontainers.containers.MinIOContainer;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;

/** The same contract on the MinIO of docker-compose.yml; skipped where no Docker is. */
@Testcontainers(disabledWithoutDocker = true)
class MinioContainerIT extends ObjectStoreContract {

  @Container
  private static final MinIOContainer MINIO =
      new MinIOContainer("minio/minio:RELEASE.2025-09-07T16-13-09Z")
          .withUserName("flora")
          .withPassword("flora-secret");

  private static S3ObjectStore store;

  @BeforeAll
  static void connect() {
    store =
        new S3ObjectStore(
            URI.create(MINIO.getS3URL()),
            "flora",
            new Secret("flora-secret"),
            "us-east-1",
            LocalFiles.none());
  }

  @AfterAll
  static void disconnect() {
    if (store != null) {
      store.close();
    }
  }

  @Override
  protected ObjectStore store() {
    return store;
  }
}
