package flora.store;

import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How to reach the object store.
 *
 * @param endpoint of the S3 service, without a path
 * @param accessKey name of the user
 * @param secretKey secret of the user
 * @param region that signatures name
 * @param cacheFolder where verified copies of objects lie, to be mapped
 * @param cacheSize how large the cache may grow before the oldest files go
 * @param localFolder the store's own folder of {@code bucket/key} files, when it is on this
 *     machine: nothing is copied then
 */
@ConfigurationProperties("store")
public record StoreProperties(
    @DefaultValue("http://127.0.0.1:9000") URI endpoint,
    @DefaultValue("flora") String accessKey,
    @DefaultValue("flora-secret") Secret secretKey,
    @DefaultValue("us-east-1") String region,
    @DefaultValue(".flora/cache") Path cacheFolder,
    @DefaultValue("50GB") DataSize cacheSize,
    @Nullable Path localFolder) {
  public StoreProperties {
    if (!"http".equals(endpoint.getScheme()) && !"https".equals(endpoint.getScheme())) {
      throw new IllegalArgumentException(
          "store.endpoint must be an http or https address, as http://127.0.0.1:9000");
    }
  }
}
