package flora.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaIT {

  @TempDir Path folder;

  @Test
  void keepsWhatWasAcknowledgedOverARestartAndAKill() throws Exception {
    var options = EmbeddedKafka.Options.on(folder);
    var process = serveInAnotherProcess();
    var bootstrap = process.inputReader(UTF_8).readLine();
    try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin.createTopics(List.of(new NewTopic("t", 1, (short) 1))).all().get();
    }
    send(bootstrap, "before the kill");
    process.destroyForcibly().waitFor();

    try (var kafka = EmbeddedKafka.start(options)) {
      send(kafka.bootstrapServers(), "before the restart");
    }

    try (var kafka = EmbeddedKafka.start(options)) {
      assertThat(readAll(kafka.bootstrapServers(), 2))
          .containsExactly("before the kill", "before the restart");
    }
  }

  @Test
  void refusesASecondInstanceOnTheFolder() throws Exception {
    var process = serveInAnotherProcess();
    try {
      process.inputReader(UTF_8).readLine();

      assertThatThrownBy(() -> EmbeddedKafka.start(EmbeddedKafka.Options.on(folder)))
          .isInstanceOf(FolderInUseException.class)
          .hasMessageContaining(folder.toString())
          .hasMessageContaining("process " + process.pid());
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void namesAPortThatIsTaken() throws Exception {
    try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      var options = EmbeddedKafka.Options.on(folder).withPort(taken.getLocalPort());

      assertThatThrownBy(() -> EmbeddedKafka.start(options))
          .isInstanceOf(PortInUseException.class)
          .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
    }
  }

  @Test
  void doesNotServeStrangersWithoutALogin() {
    var options = new EmbeddedKafka.Options(folder, "0.0.0.0", 0, null, Map.of());

    assertThatThrownBy(() -> EmbeddedKafka.start(options))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0.0.0.0 needs a login");
  }

  @Test
  void asksStrangersForTheirPassword() throws Exception {
    var address = stranger();
    var login = new EmbeddedKafka.Login("flora", "right");
    try (var kafka =
        EmbeddedKafka.start(new EmbeddedKafka.Options(folder, address, 0, login, Map.of()))) {

      try (var admin = Admin.create(sasl(kafka.listener(), "right"))) {
        assertThat(admin.describeCluster().nodes().get(20, TimeUnit.SECONDS)).hasSize(1);
      }
      try (var admin = Admin.create(sasl(kafka.listener(), "wrong"))) {
        assertThatThrownBy(() -> admin.describeCluster().nodes().get(20, TimeUnit.SECONDS))
            .hasCauseInstanceOf(SaslAuthenticationException.class);
      }
      try (var admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
        assertThat(admin.describeCluster().nodes().get(20, TimeUnit.SECONDS)).hasSize(1);
      }
    }
  }

  /** An address of this machine beyond loopback; a machine without a network has none. */
  private static String stranger() throws Exception {
    var address =
        java.net.NetworkInterface.networkInterfaces()
            .flatMap(java.net.NetworkInterface::inetAddresses)
            .filter(a -> a instanceof java.net.Inet4Address && !a.isLoopbackAddress())
            .findFirst();
    org.junit.jupiter.api.Assumptions.assumeTrue(address.isPresent(), "no address but loopback");
    return address.orElseThrow().getHostAddress();
  }

  private static Map<String, Object> sasl(String bootstrap, String password) {
    return Map.of(
        "bootstrap.servers",
        bootstrap,
        "security.protocol",
        "SASL_PLAINTEXT",
        "sasl.mechanism",
        "PLAIN",
        "sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"flora\""
            + " password=\""
            + password
            + "\";");
  }

  private Process serveInAnotherProcess() throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Serve.class.getName(),
            folder.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  static final class Serve {
    public static void main(String[] args) throws Exception {
      var kafka = EmbeddedKafka.start(EmbeddedKafka.Options.on(Path.of(args[0])));
      System.out.println(kafka.bootstrapServers());
      Thread.sleep(Duration.ofMinutes(2));
    }
  }

  private static void send(String bootstrap, String value) throws Exception {
    try (var producer =
        new KafkaProducer<>(
            Map.<String, Object>of("bootstrap.servers", bootstrap),
            new StringSerializer(),
            new StringSerializer())) {
      producer.send(new ProducerRecord<>("t", value)).get(20, TimeUnit.SECONDS);
    }
  }

  private static List<String> readAll(String bootstrap, int count) {
    var values = new java.util.ArrayList<String>();
    try (var consumer =
        new KafkaConsumer<>(
            Map.<String, Object>of("bootstrap.servers", bootstrap),
            new StringDeserializer(),
            new StringDeserializer())) {
      var partition = List.of(new TopicPartition("t", 0));
      consumer.assign(partition);
      consumer.seekToBeginning(partition);
      for (int i = 0; i < 100 && values.size() < count; i++) {
        consumer.poll(Duration.ofMillis(100)).forEach(r -> values.add(r.value()));
      }
    }
    return values;
  }
}
