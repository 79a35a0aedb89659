package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MirrorTableTest {

  private static String line(String status) {
    return MirrorTable.of(Json.mapper().readTree("[" + status.replace('\'', '"') + "]")).getFirst();
  }

  @Test
  void showsHowAPlaceDoes() {
    var line =
        line(
            """
            {'mirror': {'name': 'near', 'endpoint': 'https://near.example', 'enabled': true},
             'circuit': 'closed', 'cause': null, 'p50_ms': 20, 'p95_ms': 45,
             'bytes_per_second': 9000000, 'lag_seconds': 0, 'slow': false, 'lagging': false,
             'metadata_only': null}
            """);

    assertThat(line.split(" +"))
        .containsExactly(
            "near",
            "ok",
            "https://near.example",
            "p50",
            "20",
            "ms",
            "p95",
            "45",
            "ms",
            "9.0",
            "MB/s",
            "lag",
            "0",
            "s");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'slow': true | slow",
        "'slow': true, 'lagging': true | lagging",
        "'circuit': 'open', 'slow': true, 'cause': 'it gave wrong bytes' | open",
        "'circuit': 'half_open' | half_open",
        "'circuit': 'open', 'metadata_only': 'cdn.example' | metadata_only",
        "'mirror': {'enabled': false}, 'circuit': 'open' | off",
        "'p95_ms': null | –",
      })
  void saysWhatMattersMostOfAPlace(String fields, String state) {
    var node =
        Json.mapper()
            .createObjectNode()
            .put("circuit", "closed")
            .put("p95_ms", 10)
            .set("mirror", Json.mapper().createObjectNode().put("enabled", true));
    Json.mapper()
        .readTree("{" + fields.replace('\'', '"') + "}")
        .properties()
        .forEach(
            e -> ((tools.jackson.databind.node.ObjectNode) node).set(e.getKey(), e.getValue()));

    var line = line(node.toString());

    assertThat(line.substring(16).strip().split(" +")[0]).isEqualTo(state);
    if (fields.contains("wrong bytes")) {
      assertThat(line).endsWith("it gave wrong bytes");
    }
    if (fields.contains("cdn.example")) {
      assertThat(line).contains("cdn.example, which cannot be reached");
    }
  }

  @Test
  void saysWhatALookFound() {
    var probe =
        Json.mapper()
            .readTree(
                """
                {"verdict": "lagging", "p50_ms": 5, "p95_ms": 9, "bytes_per_second": null,
                 "lag_seconds": 400, "repository": "a/b", "cause": "behind\\u001b[31m"}
                """);

    var line = MirrorTable.of("near", probe);

    assertThat(line)
        .startsWith("near: lagging")
        .contains("p95 9 ms", "lag 400 s", "with a/b", "behind")
        .doesNotContain("\u001b");
  }
}
