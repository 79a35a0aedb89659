package flora.embedded;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.raft.DynamicVoters;
import org.apache.kafka.server.common.MetadataVersion;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka broker and controller (KRaft) inside this JVM, on a folder. What was written survives
 * restarts and a killed process; a second instance on the same folder is refused.
 *
 * <p>Clients in this JVM and on this machine use {@link #bootstrapServers()}, which is always on
 * loopback. A listener beyond loopback asks for a name and a password (SASL/PLAIN).
 */
public final class EmbeddedKafka implements AutoCloseable {

  private static final String LOOPBACK = "127.0.0.1";

  /**
   * Where and how the broker listens.
   *
   * @param folder its data; made when absent
   * @param bind address to listen on
   * @param port of the listener, 0 for a free one
   * @param login asked of clients; needed when {@code bind} is not loopback, refused when it is
   * @param overrides broker properties that win over the ones chosen here
   */
  public record Options(
      Path folder, String bind, int port, @Nullable Login login, Map<String, String> overrides) {
    public Options {
      overrides = Map.copyOf(overrides);
    }

    /** On loopback, on a free port. */
    public static Options on(Path folder) {
      return new Options(folder, LOOPBACK, 0, null, Map.of());
    }

    /** On this port. */
    public Options withPort(int newPort) {
      return new Options(folder, bind, newPort, login, overrides);
    }
  }

  /** What a client from beyond this machine has to know. */
  public record Login(String user, String password) {
    public Login {
      if (!user.matches("[A-Za-z0-9._-]+") || password.matches(".*[\"\\\\;\\s].*")) {
        throw new IllegalArgumentException(
            "a Kafka user has letters, digits and ._-, a password no quotes, backslashes,"
                + " semicolons or blanks");
      }
    }

    @Override
    public String toString() {
      return "Login[user=" + user + "]";
    }
  }

  private final KafkaRaftServer server;
  private final FolderLock lock;
  private final int loopbackPort;
  private final String outside;

  private EmbeddedKafka(KafkaRaftServer server, FolderLock lock, int loopbackPort, String outside) {
    this.server = server;
    this.lock = lock;
    this.loopbackPort = loopbackPort;
    this.outside = outside;
  }

  /**
   * Starts a broker and returns when it serves.
   *
   * @throws FolderInUseException when another process serves this folder
   * @throws PortInUseException when the port is taken
   */
  public static EmbeddedKafka start(Options options) throws IOException {
    var loopback = java.net.InetAddress.getByName(options.bind()).isLoopbackAddress();
    if (loopback == (options.login() != null)) {
      throw new IllegalArgumentException(
          loopback
              ? "a Kafka login is only for a listener beyond loopback, and "
                  + options.bind()
                  + " is loopback"
              : "Kafka on " + options.bind() + " needs a login: it would be open to everybody");
    }
    var lock = FolderLock.take(options.folder());
    try {
      int port = Ports.claim(options.bind(), options.port());
      int inside = loopback ? port : Ports.claim(LOOPBACK, 0);
      int controller = controllerPort(options.folder());
      format(options.folder(), controller);
      var config = config(options, port, inside, controller);
      var server = new KafkaRaftServer(new KafkaConfig(config, false), Time.SYSTEM);
      server.startup();
      return new EmbeddedKafka(server, lock, inside, options.bind() + ":" + port);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /** For clients on this machine. */
  public String bootstrapServers() {
    return LOOPBACK + ":" + loopbackPort;
  }

  /** For clients elsewhere, when the broker listens beyond loopback. */
  public String listener() {
    return outside;
  }

  /** Stops the broker in order; what was acknowledged is on disk. */
  @Override
  public void close() throws IOException {
    server.shutdown();
    server.awaitShutdown();
    lock.close();
  }

  private static Path log(Path folder) {
    return folder.resolve("log");
  }

  /** The quorum remembers its controller's port: keep it as long as nobody else has taken it. */
  private static int controllerPort(Path folder) throws IOException {
    var file = folder.resolve("controller.port");
    int before = Files.exists(file) ? Integer.parseInt(Files.readString(file).trim()) : 0;
    int port = Ports.prefer(LOOPBACK, before);
    if (port != before) {
      write(file, Integer.toString(port));
    }
    return port;
  }

  private static void format(Path folder, int controllerPort) throws IOException {
    var log = log(folder).toString();
    var formatter =
        new Formatter()
            .setNodeId(1)
            .setClusterId(remembered(folder.resolve("cluster.id")))
            .setIgnoreFormatted(true)
            .setReleaseVersion(MetadataVersion.latestProduction())
            .setControllerListenerName("CONTROLLER")
            .setMetadataLogDirectory(log)
            .addDirectory(log)
            .setHasDynamicQuorum(true)
            .setInitialControllers(
                DynamicVoters.parse(
                    "1@"
                        + LOOPBACK
                        + ":"
                        + controllerPort
                        + ":"
                        + remembered(folder.resolve("directory.id"))))
            .setPrintStream(
                new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8));
    try {
      formatter.run();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("cannot prepare the Kafka folder " + folder, e);
    }
  }

  /**
   * An id that is made once and kept: written to the side first, so that a crash leaves no half.
   */
  private static String remembered(Path file) throws IOException {
    if (!Files.exists(file)) {
      write(file, Uuid.randomUuid().toString());
    }
    return Files.readString(file).trim();
  }

  private static void write(Path file, String text) throws IOException {
    var side = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(side, text);
    Files.move(side, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static Map<String, String> config(
      Options options, int port, int inside, int controllerPort) {
    var config = new HashMap<String, String>();
    config.put("process.roles", "broker,controller");
    config.put("node.id", "1");
    config.put("log.dirs", log(options.folder()).toString());
    config.put("controller.quorum.bootstrap.servers", LOOPBACK + ":" + controllerPort);
    config.put("controller.listener.names", "CONTROLLER");
    listeners(config, options, port, inside, controllerPort);
    oneBroker(config);
    shareGroups(config);
    config.putAll(options.overrides());
    return config;
  }

  private static void listeners(
      Map<String, String> config, Options options, int port, int inside, int controllerPort) {
    var listeners =
        "LOCAL://" + LOOPBACK + ":" + inside + ",CONTROLLER://" + LOOPBACK + ":" + controllerPort;
    var protocols = "LOCAL:PLAINTEXT,CONTROLLER:PLAINTEXT";
    var login = options.login();
    if (login != null) {
      listeners += ",OUTSIDE://" + options.bind() + ":" + port;
      protocols += ",OUTSIDE:SASL_PLAINTEXT";
      config.put("listener.name.outside.sasl.enabled.mechanisms", "PLAIN");
      config.put(
          "listener.name.outside.plain.sasl.jaas.config",
          "org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=\"%s\";"
              .formatted(login.user(), login.password()));
    }
    config.put("listeners", listeners);
    config.put("inter.broker.listener.name", "LOCAL");
    config.put("listener.security.protocol.map", protocols);
  }

  /** One broker on a desk: no replicas, few partitions of the inner topics, little memory. */
  private static void oneBroker(Map<String, String> config) {
    for (var topic : new String[] {"offsets.topic", "share.coordinator.state.topic"}) {
      config.put(topic + ".replication.factor", "1");
      config.put(topic + ".num.partitions", "4");
    }
    config.put("transaction.state.log.replication.factor", "1");
    config.put("transaction.state.log.num.partitions", "4");
    config.put("transaction.state.log.min.isr", "1");
    config.put("share.coordinator.state.topic.min.isr", "1");
    config.put("default.replication.factor", "1");
    config.put("auto.create.topics.enable", "false");
    config.put("num.network.threads", "2");
    config.put("num.io.threads", "4");
    config.put("background.threads", "2");
    config.put("log.cleaner.dedupe.buffer.size", Integer.toString(16 << 20)); // else 128 MB of heap
    config.put("metric.reporters", "");
    // a restarted client comes back at once
    config.put("group.initial.rebalance.delay.ms", "0");
    config.put("group.min.session.timeout.ms", "1000");
  }

  private static void shareGroups(Map<String, String> config) {
    config.put("group.share.min.record.lock.duration.ms", "1000");
    config.put("group.share.record.lock.duration.ms", "30000");
    config.put("group.share.delivery.count.limit", "10");
    // how many records may wait behind the oldest unfinished one
    config.put("group.share.partition.max.record.locks", "10000");
    config.put("group.share.min.heartbeat.interval.ms", "1000");
    config.put("group.share.heartbeat.interval.ms", "2000");
    config.put("group.share.min.session.timeout.ms", "5000");
    config.put("group.share.session.timeout.ms", "10000");
  }
}
