package flora.labeler.spool;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/** Questions to a store that is far, several at a time. */
public final class Ahead {

  private static final int AT_ONCE = 16;

  private Ahead() {}

  /** The answers, in the order of the questions; the first failure is thrown. */
  public static <A, B> List<B> map(List<A> questions, Function<A, B> answer)
      throws InterruptedException {
    var places = new Semaphore(AT_ONCE);
    var threads = Executors.newVirtualThreadPerTaskExecutor();
    try {
      var answers = new ArrayList<Future<B>>();
      for (var question : questions) {
        places.acquire();
        answers.add(
            threads.submit(
                () -> {
                  try {
                    return answer.apply(question);
                  } finally {
                    places.release();
                  }
                }));
      }
      var all = new ArrayList<B>();
      for (var one : answers) {
        all.add(one.get());
      }
      return all;
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException known -> throw known;
        case Error fatal -> throw fatal;
        case null, default -> throw new IllegalStateException(e);
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
