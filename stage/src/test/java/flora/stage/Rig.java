package flora.stage;

import static java.nio.charset.StandardCharsets.UTF_8;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.schemas.Event;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.ModelSource;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.LocalFiles;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.ShareConsumerFactory;

/** A broker, a store, and everything that was ever sent, for the tests of workers. */
final class Rig implements AutoCloseable {

  /** The shortest lock that Kafka allows. */
  static final Duration LOCK = Duration.ofSeconds(1);

  static final Duration LEASE = Duration.ofSeconds(2);

  final EmbeddedKafka kafka;
  final EmbeddedS3 s3;
  final S3ObjectStore store;
  final List<ConsumerRecord<String, byte[]>> sent = new CopyOnWriteArrayList<>();
  private final KafkaProducer<String, byte[]> producer;
  private final List<WorkQueue> workers = new ArrayList<>();
  private final Thread tail;
  private volatile boolean open = true;

  private Rig(EmbeddedKafka kafka, EmbeddedS3 s3) throws Exception {
    this.kafka = kafka;
    this.s3 = s3;
    this.store = storeAt(s3);
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new ByteArraySerializer());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    for (var stage : Stage.values()) {
      topics().prepare(stage.group());
    }
    this.tail = Thread.ofPlatform().daemon().start(this::tail);
  }

  static Rig start(Path folder, Map<String, String> kafka) throws Exception {
    return new Rig(
        EmbeddedKafka.start(
            new EmbeddedKafka.Options(folder.resolve("kafka"), "127.0.0.1", 0, null, kafka)),
        EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3"))));
  }

  static S3ObjectStore storeAt(EmbeddedS3 s3) {
    return new S3ObjectStore(
        s3.endpoint(), s3.accessKey(), new Secret(s3.secretKey()), "us-east-1", LocalFiles.none());
  }

  /** A worker of the fetch stage in this JVM. */
  WorkQueue worker(String name, StageFlow flow) {
    return worker(name, flow, store);
  }

  WorkQueue worker(String name, StageFlow flow, S3ObjectStore its) {
    return worker(name, flow, its, consumers());
  }

  /** A worker whose end of the topic is opened in another way. */
  WorkQueue worker(String name, StageFlow flow, ShareConsumerFactory<String, byte[]> consumers) {
    return worker(name, flow, store, consumers);
  }

  ShareConsumerFactory<String, byte[]> consumers() {
    return WorkQueues.consumers(Map.of("bootstrap.servers", kafka.bootstrapServers()));
  }

  private WorkQueue worker(
      String name,
      StageFlow flow,
      S3ObjectStore its,
      ShareConsumerFactory<String, byte[]> consumers) {
    var retries = new RetryPolicy(2, Duration.ofMillis(50), Duration.ofMillis(200));
    var handler = new StageWorker(flow, its, this::send, retries, Clock.systemUTC(), name, LEASE);
    var queue =
        new WorkQueue(
            consumers,
            topics(),
            WorkTopic.of(flow.stage()),
            handler,
            this::send,
            name,
            Duration.ofSeconds(5),
            Clock.systemUTC());
    workers.add(queue);
    queue.start();
    return queue;
  }

  private SharedTopics topics() {
    return new SharedTopics(Map.of("bootstrap.servers", kafka.bootstrapServers()), LOCK);
  }

  /** A run whose name tells {@link ScriptedFlow} what to do. */
  RunId submit(String name) throws Exception {
    var run = freeze(name);
    ask(run);
    return run;
  }

  /** A run that is ready to be asked for. */
  RunId freeze(String name) {
    var run = RunId.next(Clock.systemUTC(), new Random());
    var request =
        new RunRequest(
            name,
            new ModelSource(
                "owner/name", null, null, List.of(), List.of(), "true", ModelSource.Preset.NEEDED),
            new DatasetSource(
                "pictures",
                null,
                new LabelOptions(LabelOptions.Labeler.NONE, null, Map.of(), List.of(), 0, 1, null)),
            null);
    store.put(StoreLayout.RUNS, StoreLayout.request(run), Json.bytes(request), "application/json");
    return run;
  }

  void ask(RunId run) throws Exception {
    send(
        Stage.FETCH.requests(),
        run.value(),
        Map.of(),
        Json.bytes(Work.of(Stage.FETCH, run, request(run), 1)));
  }

  ObjectRef request(RunId run) throws Exception {
    var bytes = store.read(StoreLayout.RUNS, StoreLayout.request(run)).orElseThrow().bytes();
    return new ObjectRef(
        StoreLayout.RUNS,
        StoreLayout.request(run),
        bytes.length,
        Sha256.of(MessageDigest.getInstance("SHA-256").digest(bytes)));
  }

  void cancel(RunId run) {
    want(run, new Control(Control.Desired.CANCELLED, 1));
  }

  void want(RunId run, Control control) {
    store.put(StoreLayout.RUNS, StoreLayout.control(run), Json.bytes(control), "application/json");
  }

  void send(String topic, String key, Map<String, byte[]> headers, byte[] value) {
    var record = new ProducerRecord<>(topic, key, value);
    headers.forEach((k, v) -> record.headers().add(k, v));
    try {
      producer.send(record).get();
    } catch (Exception e) {
      throw new Outbox.SendFailed(topic, e);
    }
  }

  Head head(RunId run) {
    return Json.read(
        store.read(StoreLayout.RUNS, StoreLayout.head(run)).orElseThrow().bytes(), Head.class);
  }

  /** What the fetch stage has told of a run, in order. */
  List<FetchEvent> events(RunId run) {
    return records(Topics.FETCH_EVENTS, run).stream()
        .map(r -> Json.read(r.value(), FetchEvent.class))
        .toList();
  }

  <T extends Event> List<T> events(RunId run, Class<T> type) {
    return events(run).stream().filter(type::isInstance).map(type::cast).toList();
  }

  List<ConsumerRecord<String, byte[]>> records(String topic, RunId run) {
    return sent.stream()
        .filter(r -> r.topic().equals(topic) && run.value().equals(r.key()))
        .toList();
  }

  static String header(ConsumerRecord<?, ?> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }

  private void tail() {
    try (var consumer =
        new KafkaConsumer<>(
            Map.<String, Object>of("bootstrap.servers", kafka.bootstrapServers()),
            new StringDeserializer(),
            new ByteArrayDeserializer())) {
      var partitions =
          Topics.all().stream()
              .flatMap(
                  t ->
                      IntStream.range(0, t.partitions())
                          .mapToObj(p -> new TopicPartition(t.name(), p)))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (open) {
        consumer.poll(Duration.ofMillis(50)).forEach(sent::add);
      }
    }
  }

  void stopWorkers() {
    workers.parallelStream().forEach(WorkQueue::close);
    workers.clear();
  }

  @Override
  public void close() throws Exception {
    stopWorkers();
    open = false;
    tail.join();
    producer.close();
    store.close();
    s3.close();
    kafka.close();
  }
}
