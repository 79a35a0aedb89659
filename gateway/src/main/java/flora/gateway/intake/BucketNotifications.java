package flora.gateway.intake;

import flora.gateway.GatewayProperties;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.StoreProperties;
import io.minio.MinioClient;
import io.minio.SetBucketNotificationArgs;
import io.minio.messages.EventType;
import io.minio.messages.NotificationConfiguration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Asks the store, once at start, to tell of files that are dropped; only when it was given a place
 * to tell it to. A store that cannot do that is no failure: looking finds them, too.
 */
@Component
final class BucketNotifications implements SmartLifecycle {

  private static final Logger log = LoggerFactory.getLogger(BucketNotifications.class);

  private final String target;
  private final StoreProperties store;
  private volatile boolean running;

  /**
   * @param ready the store, so that the buckets are there
   */
  BucketNotifications(GatewayProperties properties, StoreProperties store, ObjectStore ready) {
    target = properties.bucketNotifications();
    this.store = store;
  }

  @Override
  public void start() {
    running = true;
    if (!target.isEmpty()) {
      Thread.ofVirtual().name("bucket-notifications").start(this::set);
    }
  }

  @Override
  public void stop() {
    running = false;
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  // closing it may be interrupted: this thread ends anyway
  @SuppressWarnings("try")
  private void set() {
    try (var client =
        MinioClient.builder()
            .endpoint(store.endpoint().toString())
            .region(store.region())
            .credentials(store.accessKey(), store.secretKey().value())
            .build()) {
      var rule =
          new NotificationConfiguration.QueueConfiguration(
              target,
              "flora-incoming",
              List.of(EventType.OBJECT_CREATED_ANY.toString()),
              new NotificationConfiguration.Filter(StoreLayout.INCOMING, ""));
      client.setBucketNotification(
          SetBucketNotificationArgs.builder()
              .bucket(StoreLayout.DATASETS)
              .config(new NotificationConfiguration(null, List.of(rule), null, null))
              .build());
      log.info("the store tells of files in {}/{}", StoreLayout.DATASETS, StoreLayout.INCOMING);
    } catch (Exception e) {
      log.warn("the store tells of no files, they are looked for alone: {}", e.getMessage());
    }
  }
}
