package flora.hub.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

class PatternsTest {

  /** Every line of the golden file is what huggingface_hub answered. */
  @Test
  void matchesAsHuggingFaceDoes() throws IOException {
    var lines = golden();
    var paths = lines.getFirst();

    assertThat(lines).hasSizeGreaterThan(200);
    for (var line : lines.subList(1, lines.size())) {
      var pattern = line.getFirst();
      var expected = line.subList(1, line.size());
      var allowed = new Patterns(List.of(pattern), List.of());
      var ignored = new Patterns(List.of(), List.of(pattern));
      assertThat(paths.stream().filter(allowed::admit).toList()).as(pattern).isEqualTo(expected);
      assertThat(paths.stream().filter(p -> !ignored.admit(p)).toList())
          .as(pattern)
          .isEqualTo(expected);
    }
  }

  @Test
  void takesNoTimeOverManyStars() {
    var pattern = new Patterns(List.of("*a".repeat(90) + "*b"), List.of());

    assertTimeoutPreemptively(
        Duration.ofSeconds(2), () -> assertThat(pattern.admit("a".repeat(4000))).isFalse());
  }

  private static List<List<String>> golden() throws IOException {
    try (var in = PatternsTest.class.getResourceAsStream("patterns.jsonl")) {
      var mapper = new JsonMapper();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> mapper.readValue(line, new TypeReference<List<String>>() {}))
          .toList();
    }
  }
}
