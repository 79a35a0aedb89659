package flora.gateway.projection;

import flora.gateway.GatewayProperties;
import flora.gateway.bus.KafkaClients;
import flora.gateway.bus.Wire;
import flora.schemas.RunId;
import flora.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * The event topics, joined into {@code runs.v1}: consume, process, produce in one transaction.
 *
 * <p>A {@link ProjectionSession} does the work as long as nothing goes wrong. Whatever goes wrong,
 * there is one way back: close it and begin another, which ends what hung open, reads its state
 * back from {@code runs.v1} and goes on at the committed offsets. Events that were joined twice do
 * no harm: the join is idempotent.
 *
 * <p>Several gateways share the partitions, each under its own instance name. Of two that have the
 * same name the newer one works; the older one stands by until the name is free. Who joined the
 * group last under the name has it: being told that one's transactions are fenced off says nothing,
 * for two that begin at once may each have shut out the other, or one has only been slow.
 */
@Component
public final class Projection implements SmartLifecycle {

  static final String GROUP = "gateway";

  private static final Logger log = LoggerFactory.getLogger(Projection.class);
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration STANDBY = Duration.ofSeconds(2);

  private final KafkaClients clients;
  private final String instance;
  private volatile boolean running;
  private volatile @Nullable ProjectionSession session;
  private volatile Set<Integer> owned = Set.of();
  private @Nullable Thread worker;

  /** Under which the group knew the last session; the worker's alone. */
  private String member = "";

  Projection(KafkaClients clients, GatewayProperties properties) {
    this.clients = clients;
    instance = properties.instance();
  }

  /** Whether this gateway is the one that joins the events of a run at the moment. */
  public boolean owns(RunId run) {
    return owned.contains(Wire.partition(run));
  }

  @Override
  public void start() {
    running = true;
    worker = Thread.ofPlatform().name("projection").daemon().start(this::work);
  }

  @Override
  public void stop() {
    running = false;
    var current = session;
    try {
      if (worker != null) {
        if (current != null) {
          current.wakeup();
        } else {
          worker.interrupt();
        }
        worker.join(Duration.ofSeconds(10));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  private void work() {
    while (running) {
      try {
        run();
      } catch (WakeupException | org.apache.kafka.common.errors.InterruptException e) {
        log.debug("projection ends");
      } catch (ProducerFencedException
          | InvalidProducerEpochException
          | FencedInstanceIdException e) {
        log.warn("fenced off: {}", e.getMessage());
        standBy();
      } catch (KafkaException e) {
        log.warn("projection begins anew: {}", e.toString());
        pause(PAUSE);
      } catch (RuntimeException e) {
        // without the projection every run would stand still: never give up
        log.error("projection begins anew", e);
        pause(PAUSE);
      } finally {
        owned = Set.of();
      }
    }
  }

  private void run() {
    var consumer =
        clients.consumer(
            Map.of(
                ConsumerConfig.GROUP_ID_CONFIG,
                GROUP,
                ConsumerConfig.GROUP_INSTANCE_ID_CONFIG,
                instance,
                // the same partition of every topic comes to the same member
                ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
                RangeAssignor.class.getName(),
                ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG,
                10_000,
                ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG,
                3_000,
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                500));
    var producer =
        clients.producer(
            Map.of(
                ProducerConfig.TRANSACTIONAL_ID_CONFIG,
                GROUP + "-" + instance,
                ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
                10_000));
    try (producer) {
      var current = new ProjectionSession(clients, consumer, producer, ours -> owned = ours);
      session = current;
      producer.initTransactions();
      while (running) {
        current.step();
      }
    } finally {
      session = null;
      member = consumer.groupMetadata().memberId();
      // whoever stops in order leaves at once; who was fenced off cannot take the other's place
      consumer.close(
          CloseOptions.timeout(Duration.ofSeconds(3))
              .withGroupMembershipOperation(
                  running
                      ? CloseOptions.GroupMembershipOperation.DEFAULT
                      : CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    }
  }

  /** Waits until no other member of the group has this gateway's name. */
  private void standBy() {
    owned = Set.of();
    try (var admin = clients.admin()) {
      while (running && isTaken(admin)) {
        log.info("another gateway is instance {}: this one stands by", instance);
        pause(STANDBY);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isTaken(Admin admin) throws InterruptedException {
    try {
      return admin.describeConsumerGroups(List.of(GROUP)).all().get().values().stream()
          .flatMap(group -> group.members().stream())
          .filter(m -> m.groupInstanceId().filter(instance::equals).isPresent())
          .anyMatch(m -> !m.consumerId().equals(member));
    } catch (ExecutionException e) {
      log.debug("cannot see the group: {}", e.getMessage());
      return !(e.getCause() instanceof GroupIdNotFoundException);
    }
  }

  private static boolean pause(Duration time) {
    try {
      Thread.sleep(time);
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /** The topics it reads. */
  static List<String> topics() {
    return Topics.events();
  }
}
