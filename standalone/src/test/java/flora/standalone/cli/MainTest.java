package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.HelpCommand;

class MainTest {

  private static void collect(CommandLine command, String path, List<String> found) {
    for (var sub : command.getSubcommands().entrySet()) {
      if (!(sub.getValue().getCommand() instanceof HelpCommand)) {
        found.add(path + sub.getKey());
        collect(sub.getValue(), path + sub.getKey() + " ", found);
      }
    }
  }

  private static String run(String... arguments) {
    var out = new StringWriter();
    var command = Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(out));
    assertThat(command.execute(arguments)).as(out.toString()).isZero();
    return out.toString();
  }

  @Test
  void aSettingThatCannotBeServedIsOneSentence() {
    var err = new StringWriter();

    int code =
        Main.commandLine().setErr(new PrintWriter(err, true)).execute("up", "--port", "many");

    assertThat(code).isEqualTo(Main.REFUSED);
    assertThat(err.toString().lines())
        .containsExactly("FLORA_PORT=many is no port: expected 0 (a free one) to 65535");
  }

  @Test
  void everyCommandSaysWhatItDoes() {
    var commands = new ArrayList<String>();
    collect(Main.commandLine(), "", commands);

    assertThat(commands).contains("fetch", "run", "mirrors probe");
    for (var command : commands) {
      var arguments = new ArrayList<>(List.of(command.split(" ")));
      arguments.add("--help");
      assertThat(run(arguments.toArray(String[]::new))).contains("Usage: flora " + command);
    }
    assertThat(run("--help")).contains("Exit codes");
  }
}
