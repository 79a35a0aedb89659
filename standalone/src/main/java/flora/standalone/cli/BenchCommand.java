package flora.standalone.cli;

import picocli.CommandLine.Command;

/** {@code flora bench NAME}: measurements beside peers and limits. */
@Command(
    name = "bench",
    description = "Measure this machine beside peers and physical limits.",
    synopsisSubcommandLabel = "NAME",
    subcommands = {BenchFetchCommand.class, BenchLabelCommand.class, BenchTrainCommand.class})
final class BenchCommand {}
