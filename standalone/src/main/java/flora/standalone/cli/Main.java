package flora.standalone.cli;

import flora.embedded.FolderInUseException;
import flora.embedded.PortInUseException;
import flora.standalone.InvalidSetting;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.OptionSpec;

/**
 * {@code ./flora}: one command for everything.
 *
 * <p>Exit codes: 0 done; 1 the run failed; 2 wrong usage, or the server refused the request; 3 no
 * server answers; 4 the run was cancelled; 130 stopped with Ctrl-C.
 */
@Command(
    name = "flora",
    description = "Fetch, label, train: LoRA adapters from pictures, in one command.",
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:done",
      " 1:the run failed",
      " 2:wrong usage, or the server refused the request",
      " 3:no server answers",
      " 4:the run was cancelled",
      " 130:stopped with Ctrl-C"
    },
    footerHeading = "%nFor developers:%n",
    footer = {
      "  test       everything: units, parity, contracts, the whole pipeline",
      "  test --live [REPO]",
      "             fetch a tiny repository from the hub and each well-known mirror",
      "  check      without --input: format, Error Prone, NullAway, tests",
      "  fmt        format all sources",
      "  hooks      install the pre-commit hook",
      "  vendor DIR all libraries into a folder, for a machine without a network",
      "  --offline[=DIR]",
      "             with any command: build without the network, from such a folder"
    },
    subcommands = {
      DemoCommand.class,
      UpCommand.class,
      RunCommand.class,
      LabelCommand.class,
      CheckCommand.class,
      FetchCommand.class,
      ModelsCommand.class,
      MirrorsCommand.class,
      BundleCommand.class,
      RunsCommand.class,
      StatusCommand.class,
      LogsCommand.class,
      GetCommand.class,
      PauseCommand.class,
      SaveCommand.class,
      ResumeCommand.class,
      CancelCommand.class,
      PreviewCommand.class,
      MergeCommand.class,
      ConvertCommand.class,
      DoctorCommand.class,
      ParityCommand.class,
      BenchCommand.class,
      LiveCommand.class,
      ComposeLocalCommand.class,
      HelpCommand.class
    })
public final class Main {

  static final int DONE = 0;
  static final int RUN_FAILED = 1;
  static final int REFUSED = 2;
  static final int NO_SERVER = 3;
  static final int CANCELLED = 4;

  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    var all =
        new CommandLine(new Main())
            .setExecutionExceptionHandler(failures())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setUsageHelpAutoWidth(true);
    addHelp(all);
    return all;
  }

  /** {@code --help} for each command, beside {@code flora help COMMAND}. */
  private static void addHelp(CommandLine command) {
    var spec = command.getCommandSpec();
    if (spec.userObject() instanceof HelpCommand) {
      return;
    }
    spec.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("show this help").build());
    command.getSubcommands().values().forEach(Main::addHelp);
  }

  private static IExecutionExceptionHandler failures() {
    return (exception, command, parsed) -> {
      var out = command.getErr();
      switch (exception) {
        case GatewayClient.ServerGone gone -> {
          out.println(gone.getMessage());
          return NO_SERVER;
        }
        case GatewayClient.Refused refused -> {
          out.println(refused.getMessage());
          return REFUSED;
        }
        case InvalidSetting setting -> {
          out.println(setting.getMessage());
          return REFUSED;
        }
        case PortInUseException port -> {
          out.println(port.getMessage());
          return REFUSED;
        }
        case InvalidInput invalid -> {
          out.println(invalid.getMessage());
          return REFUSED;
        }
        case FolderInUseException folder -> {
          out.println(folder.getMessage());
          out.println("  where that one is starting a server, try again when it is ready");
          return NO_SERVER;
        }
        case FileSystemException file -> {
          out.println("%s: %s".formatted(file.getFile(), reason(file)));
          return REFUSED;
        }
        case InterruptedException _, CancellationException _ -> {
          return CANCELLED;
        }
        default -> throw exception;
      }
    };
  }

  private static String reason(FileSystemException e) {
    return switch (e) {
      case NoSuchFileException _ -> "there is no such file or folder";
      case AccessDeniedException _ -> "permission denied";
      case FileAlreadyExistsException _ -> "there is something else of this name";
      default -> Objects.requireNonNullElse(e.getReason(), "cannot be read or written");
    };
  }
}
