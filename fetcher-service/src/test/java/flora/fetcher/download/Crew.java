package flora.fetcher.download;

import flora.embedded.EmbeddedS3;
import flora.fetcher.download.Instance.Source;
import flora.hub.mirror.Mirrors;
import flora.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/** Those who fetch: processes that are killed or put to sleep, and instances whose store fails. */
final class Crew implements AutoCloseable {

  /** It came to nothing: somebody else has to do it. */
  static final class Fallen extends Exception {
    Fallen(String why) {
      super(why);
    }

    Fallen(String why, Throwable cause) {
      super(why, cause);
    }
  }

  /** Somebody who fetches, and is replaced when he falls. */
  interface Member extends AutoCloseable {

    /**
     * Fetches a repository.
     *
     * @return the key of its manifest
     */
    String fetch(String repo) throws Fallen, InterruptedException;

    @Override
    void close();
  }

  private final List<Member> members;

  Crew(List<Member> members) {
    this.members = List.copyOf(members);
  }

  Member any(Random random) {
    synchronized (random) {
      return members.get(random.nextInt(members.size()));
    }
  }

  @Override
  public void close() {
    members.forEach(Member::close);
  }

  /** A process, and after it the next one. */
  static final class OfProcesses implements Member {

    private final EmbeddedS3 s3;
    private final Duration silence;
    private final List<Source> sources;
    private final Path log;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<String, CompletableFuture<String>> asked = new ConcurrentHashMap<>();
    private Worker worker;
    private boolean isClosed;

    OfProcesses(EmbeddedS3 s3, Duration silence, List<Source> sources, Path log) {
      this.s3 = s3;
      this.silence = silence;
      this.sources = sources;
      this.log = log;
      worker = next();
    }

    private Worker next() {
      var started = Worker.start(s3.endpoint(), silence, sources, log);
      Thread.ofVirtual().name("listens").start(() -> listen(started));
      return started;
    }

    private void listen(Worker to) {
      try {
        for (var line = to.await(); !line.equals(Worker.GONE); line = to.await()) {
          var words = line.split(" ", 3);
          if (words[0].equals("done")) {
            answer(words[1]).complete(words[2].split(" ")[1]);
          } else if (words[0].equals("failed")) {
            answer(words[1]).completeExceptionally(new Fallen(words[2]));
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      replace();
    }

    private CompletableFuture<String> answer(String id) {
      return asked.computeIfAbsent(id, _ -> new CompletableFuture<>());
    }

    private synchronized void replace() {
      asked.values().forEach(answer -> answer.completeExceptionally(new Fallen("killed")));
      if (!isClosed) {
        worker = next();
      }
    }

    @Override
    public String fetch(String repo) throws Fallen, InterruptedException {
      return ask("fetch", repo);
    }

    /** How many threads of the engine it has. */
    int threads() throws Fallen, InterruptedException {
      return Integer.parseInt(ask("threads", ""));
    }

    private String ask(String what, String of) throws Fallen, InterruptedException {
      var id = Integer.toString(ids.incrementAndGet());
      CompletableFuture<String> answer;
      synchronized (this) {
        answer = answer(id);
        worker.say(what + " " + id + " " + of);
      }
      try {
        return answer.get();
      } catch (ExecutionException e) {
        throw new Fallen(e.getCause().getMessage());
      } finally {
        asked.remove(id);
      }
    }

    private synchronized Worker worker() {
      return worker;
    }

    void kill() throws InterruptedException {
      worker().kill();
    }

    /** Stands still for a while. */
    void sleep(Duration time) throws IOException, InterruptedException {
      var one = worker();
      if (one.isAlive()) {
        one.stop();
        Thread.sleep(time);
        one.goOn();
      }
    }

    @Override
    public void close() {
      synchronized (this) {
        isClosed = true;
      }
      worker().close();
    }
  }

  /** Instances in this process; each loses its store after some operations. */
  static final class OfInstances implements Member {

    private final ObjectStore store;
    private final Duration silence;
    private final List<Source> sources;
    private final Random random;
    private final AtomicInteger deaths = new AtomicInteger();
    private final List<Mirrors> closed = new ArrayList<>();
    private Instance instance;
    private Trap trap;

    OfInstances(ObjectStore store, Duration silence, List<Source> sources, Random random) {
      this.store = store;
      this.silence = silence;
      this.sources = sources;
      this.random = random;
      replace();
    }

    private synchronized void replace() {
      if (instance != null) {
        instance.close();
        closed.add(instance.mirrors());
        deaths.incrementAndGet();
      }
      trap = new Trap(_ -> true, 100 + random.nextInt(1500), Trap.Fate.DEATH);
      instance = new Instance(new ObservedStore(store, trap), silence, sources);
    }

    @Override
    public String fetch(String repo) throws Fallen, InterruptedException {
      Instance mine;
      synchronized (this) {
        if (trap.hasSprung()) {
          replace();
        }
        mine = instance;
      }
      try {
        return mine.fetch(repo).key();
      } catch (RuntimeException e) {
        throw new Fallen(String.valueOf(e), e);
      }
    }

    int deaths() {
      return deaths.get();
    }

    /** May be done again: a connection that was in use the first time is idle then, or leaks. */
    @Override
    public synchronized void close() {
      instance.close();
      closed.forEach(Mirrors::close);
    }
  }
}
