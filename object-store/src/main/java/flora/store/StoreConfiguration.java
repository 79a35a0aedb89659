package flora.store;

import flora.schemas.store.StoreLayout;
import flora.store.s3.S3ObjectStore;
import java.time.Duration;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The object store and its local cache, for every service to import. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(StoreProperties.class)
public class StoreConfiguration {

  private static final Logger log = LoggerFactory.getLogger(StoreConfiguration.class);

  /** How long a store that is not up yet is waited for at start. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Duration PAUSE = Duration.ofMillis(500);

  @Bean
  LocalFiles localFiles(StoreProperties properties, ObjectProvider<LocalParts> parts) {
    var folder = properties.localFolder();
    return folder == null
        ? LocalFiles.none()
        : LocalFiles.in(folder, parts.getIfAvailable(() -> LocalFiles.none().parts()));
  }

  @Bean(destroyMethod = "close")
  S3ObjectStore objectStore(StoreProperties properties, LocalFiles files)
      throws InterruptedException {
    var store =
        new S3ObjectStore(
            properties.endpoint(),
            properties.accessKey(),
            properties.secretKey(),
            properties.region(),
            files);
    for (long tries = PATIENCE.dividedBy(PAUSE); ; tries--) {
      try {
        StoreLayout.BUCKETS.forEach(store::ensureBucket);
        StoreProbe.check(store, StoreLayout.RUNS, UUID.randomUUID().toString());
        return store;
      } catch (ObjectStoreException.Unavailable e) {
        if (tries <= 0) {
          store.close();
          throw e;
        }
        log.info("waiting for the object store at {}: {}", properties.endpoint(), e.getMessage());
        Thread.sleep(PAUSE);
      }
    }
  }

  @Bean
  LocalCache localCache(ObjectStore store, LocalFiles files, StoreProperties properties) {
    return new LocalCache(store, files, properties.cacheFolder(), properties.cacheSize().toBytes());
  }
}
