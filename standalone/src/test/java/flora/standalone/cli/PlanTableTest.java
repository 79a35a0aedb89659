package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import org.junit.jupiter.api.Test;

class PlanTableTest {

  @Test
  void saysWhatIsThereWhatIsNotAndFromWhere() {
    var plan =
        Json.mapper()
            .readTree(
                """
                {"repositories": [{"role": "base_model", "repo": "a/b", "commit": "c0ffee",
                    "listed_by": "hub", "warnings": ["no tokenizer"],
                    "files": [
                      {"path": "a.json", "size": 12, "present": true, "sources": ["hub"]},
                      {"path": "b\\u001b[31m.bin", "size": 2000000, "present": false,
                       "sources": ["hub", "near"], "converted": true}]}],
                 "mirrors": [{"name": "near", "files": 1, "bytes": 2000000,
                    "missing_bytes": 2000000, "bytes_per_second": 1000000,
                    "estimated_seconds": 2, "verdict": "ok"}],
                 "files": 2, "bytes": 2000012, "present_bytes": 12, "to_fetch_bytes": 2000000,
                 "disk_free_bytes": 5000000000, "warnings": ["slow today"]}
                """);

    var lines = PlanTable.of(plan);

    assertThat(lines.getFirst()).startsWith("a/b @ c0ffee");
    assertThat(lines).anyMatch(l -> l.contains("present") && l.contains("12 B"));
    assertThat(lines)
        .anyMatch(l -> l.contains("to fetch") && l.contains("hub, near") && l.contains("becomes"));
    assertThat(lines).contains("  note: no tokenizer", "note: slow today");
    assertThat(lines).anyMatch(l -> l.startsWith("near") && l.contains("about 2 s"));
    assertThat(lines)
        .contains("in all 2 files, 2.0 MB: 12 B are there, 2.0 MB to fetch; room for 5.0 GB");
    assertThat(String.join("", lines)).doesNotContain("\u001b");
  }

  @Test
  void saysOnceWhatAllFilesHaveInCommon() {
    var plan =
        Json.mapper()
            .readTree(
                """
                {"repositories": [{"repo": "a/b", "commit": "c0ffee", "role": "base_model",
                    "listed_by": "hub", "files": [
                      {"path": "a", "size": 1, "present": false, "sources": ["hub", "near"]},
                      {"path": "b", "size": 1, "present": false, "sources": ["hub", "near"]}]}],
                 "mirrors": [{"name": "hub", "files": 2, "missing_bytes": 2}]}
                """);

    var lines = PlanTable.of(plan);

    assertThat(lines.getFirst()).endsWith("from hub, near)");
    assertThat(lines.subList(1, 3)).noneMatch(line -> line.contains("from"));
    assertThat(lines.get(3)).contains("not measured yet");
  }
}
