package flora.standalone.cli;

import java.io.Console;
import java.util.Optional;

/** Where a command writes to. */
final class Terminal {

  private Terminal() {}

  /** Whether somebody watches, so that lines may be drawn over. */
  static boolean isThere() {
    return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  }
}
