package flora.standalone;

import flora.store.Secret;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code ./flora up} goes by, read from the environment (flags of the same names win).
 *
 * @param data data folder
 * @param bind address of the gateway
 * @param port of the gateway, 0 for a free one
 * @param kafkaBind address of the broker
 * @param kafkaPort of the broker, 0 for a free one
 * @param s3Bind address of the store
 * @param s3Port of the store, 0 for a free one
 * @param accessKey of the store
 * @param secretKey of the store
 * @param apiKey asked of REST clients
 * @param kafkaUser asked of Kafka clients from beyond this machine
 * @param kafkaPassword likewise
 */
record StandaloneSettings(
    Path data,
    String bind,
    int port,
    String kafkaBind,
    int kafkaPort,
    String s3Bind,
    int s3Port,
    String accessKey,
    Secret secretKey,
    @Nullable Secret apiKey,
    @Nullable String kafkaUser,
    @Nullable Secret kafkaPassword) {

  private static final String DEFAULT_SECRET = "flora-secret";

  StandaloneSettings {
    if (!isLoopback("FLORA_BIND", bind) && apiKey == null) {
      throw new InvalidSetting(
          "FLORA_BIND=%s is open to others: set FLORA_API_KEY, or bind to 127.0.0.1"
              .formatted(bind));
    }
    if (!isLoopback("FLORA_S3_BIND", s3Bind) && secretKey.value().equals(DEFAULT_SECRET)) {
      throw new InvalidSetting(
          "FLORA_S3_BIND=%s is open to others: set FLORA_S3_SECRET_KEY to a secret of your own, or bind to 127.0.0.1"
              .formatted(s3Bind));
    }
    if (!isLoopback("FLORA_KAFKA_BIND", kafkaBind)
        && (kafkaUser == null || kafkaPassword == null)) {
      throw new InvalidSetting(
          "FLORA_KAFKA_BIND=%s is open to others: set FLORA_KAFKA_USER and FLORA_KAFKA_PASSWORD (SASL/PLAIN), or bind to 127.0.0.1"
              .formatted(kafkaBind));
    }
  }

  static StandaloneSettings of(Map<String, String> environment) {
    return new StandaloneSettings(
        Path.of(environment.getOrDefault("FLORA_DATA", ".flora")).toAbsolutePath().normalize(),
        environment.getOrDefault("FLORA_BIND", "127.0.0.1"),
        port(environment, "FLORA_PORT", 8080),
        environment.getOrDefault("FLORA_KAFKA_BIND", "127.0.0.1"),
        port(environment, "FLORA_KAFKA_PORT", 9092),
        environment.getOrDefault("FLORA_S3_BIND", "127.0.0.1"),
        port(environment, "FLORA_S3_PORT", 9000),
        environment.getOrDefault("FLORA_S3_ACCESS_KEY", "flora"),
        new Secret(environment.getOrDefault("FLORA_S3_SECRET_KEY", DEFAULT_SECRET)),
        secret(environment.get("FLORA_API_KEY")),
        environment.get("FLORA_KAFKA_USER"),
        secret(environment.get("FLORA_KAFKA_PASSWORD")));
  }

  boolean kafkaIsLocal() {
    return isLoopback("FLORA_KAFKA_BIND", kafkaBind);
  }

  private static @Nullable Secret secret(@Nullable String value) {
    return value == null || value.isEmpty() ? null : new Secret(value);
  }

  private static int port(Map<String, String> environment, String name, int standard) {
    var given = environment.get(name);
    if (given == null || given.isEmpty()) {
      return standard;
    }
    try {
      int port = Integer.parseInt(given);
      if (port >= 0 && port <= 65535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new InvalidSetting(
        "%s=%s is no port: expected 0 (a free one) to 65535".formatted(name, given));
  }

  private static boolean isLoopback(String name, String address) {
    try {
      return InetAddress.getByName(address).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new InvalidSetting(
          "%s=%s is no address of this machine: expected 127.0.0.1 or 0.0.0.0"
              .formatted(name, address));
    }
  }
}
