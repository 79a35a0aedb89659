package flora.schemas.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.document.JsonDocument;
import flora.schemas.document.Node;
import flora.schemas.document.YamlDocument;
import flora.schemas.request.RequestKey.Section;
import flora.schemas.request.TrainingPlan.StableDiffusionLora;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/** What holds for every key of the table. */
class RequestTableTest {

  @ParameterizedTest
  @EnumSource(RequestKey.class)
  void aDefaultIsWithinItsOwnRangeAndHasASource(RequestKey key) {
    assertThat(key.source()).isNotBlank();
    for (var dialect : Dialect.values()) {
      for (var value : new Object[] {key.fallback(dialect), key.wanted(dialect)}) {
        if (value != null) {
          var node = JsonDocument.read(Json.bytes(value));
          assertThat(key.shape().readOrNull(node)).isEqualTo(value);
        }
      }
    }
  }

  @Test
  void noNameMeansTwoThings() {
    for (var dialect : Dialect.values()) {
      for (var section : Section.values()) {
        var names = new HashMap<String, RequestKey>();
        for (var key : RequestKey.values()) {
          var here =
              section == Section.ROOT
                  ? key.atRoot(dialect)
                  : key.section() == section ? key.inSection() : List.<String>of();
          here.forEach(n -> assertThat(names.putIfAbsent(n, key)).as(n).isNull());
        }
      }
    }
    var foreign = new HashSet<String>();
    for (var key : RequestKey.values()) {
      for (var name : key.foreign()) {
        assertThat(foreign.add(name)).as(name).isTrue();
        assertThat(UnsupportedKeys.contains(name)).as(name).isFalse();
        assertThat(key.dialectOf(name)).as(name).isEmpty();
      }
      for (var dialect : Dialect.values()) {
        for (var name : key.atRoot(dialect)) {
          assertThat(UnsupportedKeys.contains(name)).as(name).isFalse();
          assertThat(Fulfilled.contains(name)).as(name).isFalse();
        }
      }
      assertThat(UnsupportedKeys.contains(key.key())).as(key.key()).isFalse();
    }
  }

  /** Every component of the plan is a key, so that none can be filled that nobody can say. */
  @Test
  void thePlanHasNoKeyThatIsNotInTheTable() {
    var keys = new HashSet<String>();
    Stream.of(RequestKey.values())
        .filter(key -> key.section() == Section.TRAIN)
        .forEach(key -> keys.add(key.key()));

    assertThat(keys).containsAll(components(StableDiffusionLora.class));
  }

  @ParameterizedTest
  @MethodSource("ofTraining")
  void inEachSpellingOfEachDialectItSaysTheSame(RequestKey key) {
    for (var said : samples(key.shape())) {
      var canonical = read(Dialect.FLORA, Map.of("train", Map.of(key.key(), said)), key);
      var value = key.shape().readOrNull(JsonDocument.read(Json.bytes(said)));
      assertThat(value).as("%s = %s", key, said).isNotNull();
      for (var dialect : Dialect.values()) {
        for (var name : key.atRoot(dialect)) {
          if (translated(name)) {
            continue;
          }
          var there = read(dialect, Map.of(name, said), key);
          assertThat(there).as("%s in %s", name, dialect).isEqualTo(canonical);
        }
      }
      assertThat(canonical)
          .isEqualTo(
              key.isActedOn() || value.equals(key.fallback())
                  ? value
                  : ErrorCode.NOT_SUPPORTED_YET);
    }
  }

  @ParameterizedTest
  @EnumSource(RequestKey.class)
  void aNameWithALetterTooManyBringsTheNearest(RequestKey key) {
    for (var dialect : Dialect.values()) {
      for (var name : key.atRoot(dialect)) {
        if (name.contains(".") || name.length() < 3) {
          continue;
        }
        var e =
            catchThrowableOfType(
                RequestException.class,
                () -> GivenKeys.of(document(Map.of(name + "q", 1)), dialect));
        assertThat(e.code()).as(name).isEqualTo(ErrorCode.REQUEST_INVALID);
        assertThat(e.hint()).as(name + "q").startsWith("did you mean ").contains("?");
        assertThat(e.hint()).isEqualTo("did you mean " + name + "?");
      }
    }
  }

  @Test
  void theExampleOfAllDefaultsIsTheDefault() throws Exception {
    var document = Files.readString(Path.of("../docs/examples/lora_default.yaml"));
    var written = (Node.Fields) YamlDocument.read(document.getBytes(UTF_8));

    Stream.of(RequestKey.values())
        .filter(key -> key.section() == Section.TRAIN && key.isActedOn())
        .filter(key -> key.fallback() != null && key != RequestKey.TRAIN_PRESET)
        .forEach(key -> assertThat(written.values()).containsKey(key.key()));
    assertThat(RequestReaderTest.plan(document)).isEqualTo(StableDiffusionLora.defaults());
  }

  @Test
  void thePageListsEveryKeyAndSaysWhichAreNotActedOn() throws Exception {
    var page = Files.readString(Path.of("../docs/run.md"));
    int from = page.indexOf("Known, but answered with");
    var notYet = page.substring(page.indexOf(":\n", from), page.indexOf("## Presets"));
    var listed = Stream.of(notYet.split("[^a-z0-9_]+")).filter(word -> !word.isEmpty()).toList();

    assertThat(listed)
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(RequestKey.values())
                .filter(key -> !key.isActedOn())
                .map(RequestKey::key)
                .toList());
    for (var key : RequestKey.values()) {
      for (var name : key.inSection()) {
        assertThat(page).contains("`" + name + "`");
      }
      for (var dialect : List.of(Dialect.KOHYA, Dialect.DIFFUSERS)) {
        for (var name : key.isActedOn() ? key.atRoot(dialect) : List.<String>of()) {
          // the entries of a list of arguments
          var shown = name.replaceAll("(.*_args)\\..*", "$1");
          assertThat(page).contains("`" + shown + "`");
        }
      }
    }
  }

  /** A preset is given as soon as all is acted on that it says; until then it says what is not. */
  @Test
  void everyPresetIsOfKeysOfTheTableWithinTheirRange() {
    for (var name : Presets.NAMES) {
      var missing = new ArrayList<String>();
      Presets.written(name)
          .values()
          .forEach(
              (word, node) -> {
                var key =
                    Stream.of(RequestKey.values())
                        .filter(k -> k.section() == Section.TRAIN && k.key().equals(word))
                        .findFirst()
                        .orElseThrow();
                assertThat(key.shape().readOrNull(node)).as(word).isNotNull();
                if (!key.isActedOn()) {
                  missing.add(word);
                }
              });
      var document = (RequestReaderTest.FLAT + "lora_preset: " + name + "\n").getBytes(UTF_8);
      if (missing.isEmpty()) {
        var plan = RequestReader.read(document, ContentKind.YAML).request().train();
        assertHasValuesOf(name, (ObjectNode) Json.mapper().valueToTree(plan));
      } else {
        var e =
            catchThrowableOfType(
                RequestException.class, () -> RequestReader.read(document, ContentKind.YAML));
        assertThat(e.code()).isEqualTo(ErrorCode.NOT_SUPPORTED_YET);
        assertThat(missing).anyMatch(key -> e.getMessage().contains(key));
      }
    }
  }

  private static void assertHasValuesOf(String preset, ObjectNode plan) {
    Presets.written(preset)
        .values()
        .forEach(
            (word, node) -> {
              var shape =
                  Stream.of(RequestKey.values())
                      .filter(k -> k.section() == Section.TRAIN && k.key().equals(word))
                      .findFirst()
                      .orElseThrow()
                      .shape();
              var value = shape.readOrNull(node);
              // of the thousand steps that are taken when nothing else is said
              var expected =
                  value instanceof Double d && shape instanceof Shape.Steps
                      ? (Object) (long) (d * 1000)
                      : value;
              assertThat(shape.readOrNull(JsonDocument.read(Json.bytes(plan.get(word)))))
                  .as("%s of %s", word, preset)
                  .isEqualTo(expected);
            });
  }

  private static Stream<RequestKey> ofTraining() {
    return Stream.of(RequestKey.values())
        .filter(key -> key.section() == Section.TRAIN && key != RequestKey.TRAIN_PRESET);
  }

  /** Names under which another tool writes another value for the same. */
  private static boolean translated(String name) {
    return List.of(
            "network_train_unet_only",
            "network_train_text_encoder_only",
            "random_crop",
            "v_parameterization",
            "use_ema")
        .contains(name);
  }

  /** The value of a key in a document, or the code of what is said against it. */
  private static Object read(Dialect dialect, Map<String, Object> document, RequestKey key) {
    var dotted = document.keySet().stream().filter(n -> n.contains("_args.")).findFirst();
    var fields =
        dotted.isEmpty()
            ? document(document)
            : document(
                Map.of(
                    dotted.get().split("\\.")[0],
                    List.of(dotted.get().split("\\.")[1] + "=" + document.get(dotted.get()))));
    try {
      return GivenKeys.of(fields, dialect).get(key).orElseThrow().value();
    } catch (RequestException e) {
      return e.code();
    }
  }

  private static Node.Fields document(Map<String, ?> values) {
    return (Node.Fields) JsonDocument.read(Json.bytes(new LinkedHashMap<>(values)));
  }

  /** Two or more values of a shape, as JSON has them. */
  private static List<Object> samples(Shape shape) {
    return switch (shape) {
      case Shape.Whole(long min, long max, int step) -> List.of(least(min, step), max - max % step);
      case Shape.Side(long min, long max, int _) -> List.of(min, max, min + "," + max);
      case Shape.Steps(long max) -> List.of(0, max, 0.25);
      case Shape.Decimal(double min, boolean _, double max, boolean _) ->
          List.of((min + max) / 2, min + (max - min) / 1024);
      case Shape.Flag _ -> List.of(true, false);
      case Shape.Choice(var words) -> List.copyOf(words);
      case Shape.TextList _ -> List.of(List.of("a"), List.of("a", "b"));
      case Shape.Text _ -> List.of("a b", ";");
      case Shape.Time _ -> List.of(90, "1h30m");
      case Shape.Device _ -> List.of("auto", "cpu", "cuda:1");
      case Shape.Devices _ -> List.of(List.of(0, 1), List.of("cpu", "cpu"));
      case Shape.FlagOr _ -> List.of("true");
      case Shape.TextMap _, Shape.Kinds _ -> throw new AssertionError("no key of training");
    };
  }

  private static long least(long min, int step) {
    return (min + step - 1) / step * step;
  }

  private static List<String> components(Class<?> plan) {
    var written = (ObjectNode) Json.mapper().valueToTree(StableDiffusionLora.defaults());
    var names = new ArrayList<>(written.propertyNames());
    for (var part : plan.getRecordComponents()) {
      if (part.getType().isRecord()) {
        for (var component : part.getType().getRecordComponents()) {
          names.add(name(component.getName()));
        }
      }
    }
    return names.stream().distinct().toList();
  }

  private static String name(String component) {
    return component
        .replace("NEpochs", "_n_epochs")
        .replaceAll("([A-Z])", "_$1")
        .toLowerCase(Locale.ROOT);
  }
}
