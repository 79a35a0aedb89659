package flora.standalone.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.request.ContentKind;
import flora.schemas.request.Generation;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RequestReader;
import java.io.IOException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.node.ObjectNode;

class LabelChoicesTest {

  @Command
  static final class Holder {
    @Mixin LabelChoices choices = new LabelChoices();
  }

  @Test
  void everyKeyOfARequestIsAnOptionWrittenWithDashes() throws IOException {
    var options =
        new CommandLine(new Holder())
            .getCommandSpec().options().stream()
                .flatMap(option -> java.util.Arrays.stream(option.names()))
                .collect(Collectors.toSet());
    ObjectNode all =
        Json.mapper()
            .valueToTree(
                options("--labeler", "blip+clip", "--trigger-word", "a", "--prefix", "b").rules());
    ObjectNode asked = Json.mapper().valueToTree(options("--labeler", "blip+clip"));
    asked.remove("sidecars"); // of the command itself
    asked.propertyNames().forEach(key -> all.putNull(key));

    assertThat(all.propertyNames())
        .hasSizeGreaterThan(20)
        .allSatisfy(key -> assertThat(options).contains("--" + key.replace('_', '-')));
  }

  @Test
  void whatIsSaidOfASentenceComesToTheRequest() throws IOException {
    var options =
        options(
            "--labeler=blip+clip",
            "--templates={} here",
            "--prompt=a drawing of",
            "--num-beams=4",
            "--max-new-tokens=20",
            "--min-new-tokens=5",
            "--no-repeat-ngram-size=2",
            "--repetition-penalty=1.5",
            "--length-penalty=-1",
            "--early-stopping=true");

    assertThat(options.templates()).containsExactly("{} here");
    assertThat(options.generation())
        .isEqualTo(
            new Generation("a drawing of", 4, 20, 5, 1.5, 2, -1, Generation.EarlyStopping.TRUE));
    assertThat(options("--labeler=blip", "--beams=2", "--early-stopping=never").generation())
        .extracting(Generation::earlyStopping)
        .isEqualTo(Generation.EarlyStopping.NEVER);
  }

  /** What the server makes of some options. */
  private static LabelOptions options(String... given) throws IOException {
    var holder = new Holder();
    new CommandLine(holder).parseArgs(given);
    var request = Json.mapper().createObjectNode();
    var dataset = request.putObject("dataset").put("name", "pets");
    holder.choices.into(dataset.putObject("label"));
    var bytes = request.toString().getBytes(UTF_8);
    return RequestReader.read(bytes, ContentKind.JSON).request().dataset().label();
  }
}
