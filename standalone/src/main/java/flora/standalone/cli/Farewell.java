package flora.standalone.cli;

/** Says what becomes of something when its command is stopped from the keyboard meanwhile. */
final class Farewell implements AutoCloseable {

  private final Thread hook;

  private Farewell(String text) {
    var worker = Thread.currentThread();
    hook =
        Thread.ofPlatform()
            .name("farewell")
            .unstarted(
                () -> {
                  worker.interrupt(); // so that it draws nothing below the last word
                  System.err.println(System.lineSeparator() + text);
                });
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** From now on, until closed. */
  static Farewell saying(String text) {
    return new Farewell(text);
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the process is ending: it has been said
    }
  }
}
