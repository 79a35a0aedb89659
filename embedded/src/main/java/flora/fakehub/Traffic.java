package flora.fakehub;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/** Which bytes of which files a hub has sent. */
final class Traffic {

  /** One answer's bytes, growing while they leave. */
  record Answer(String path, int connection, long from, AtomicLong bytes) {}

  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();

  Answer begin(String path, int connection, long from) {
    var answer = new Answer(path, connection, from, new AtomicLong());
    answers.add(answer);
    return answer;
  }

  List<FakeHub.Sent> sent() {
    return answers.stream()
        .map(a -> new FakeHub.Sent(a.path(), a.connection(), a.from(), a.bytes().get()))
        .toList();
  }

  void forget() {
    answers.clear();
  }
}
