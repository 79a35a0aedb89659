package flora.schemas.request;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;

/** The published schema of a run request says what the table of keys says. */
class RunRequestSchemaTest {

  private final JsonNode schema = read("/schemas/run-request.v1.schema.json");

  @ParameterizedTest
  @EnumSource(RequestKey.class)
  void aKeyHasTheSchemasDefaultAndRange(RequestKey key) {
    var property =
        schema
            .at(GivenKeys.pointer(key.section()).replaceAll("/", "/properties/"))
            .path("properties")
            .path(key.key());
    if (onlyFlat(key) || !key.isActedOn()) {
      assertThat(property.isMissingNode()).isTrue();
      return;
    }
    assertThat(property.isMissingNode()).as("in the schema").isFalse();
    var fallback = key.fallback();
    if (fallback == null) {
      assertThat(property.has("default")).isFalse();
    } else {
      assertThat(Json.mapper().treeToValue(property.get("default"), Object.class).toString())
          .isEqualTo(fallback.toString());
    }
    switch (key.shape()) {
      case Shape.Whole(long min, long max, int multipleOf) -> {
        assertThat(property.get("minimum").asLong()).isEqualTo(min);
        assertThat(property.path("maximum").asLong(Long.MAX_VALUE)).isEqualTo(max);
        assertThat(property.path("multipleOf").asInt(1)).isEqualTo(multipleOf);
      }
      case Shape.Decimal(double min, boolean withMin, double max, boolean withMax) -> {
        assertNumber(property.get(withMin ? "minimum" : "exclusiveMinimum"), min);
        assertNumber(property.get(withMax ? "maximum" : "exclusiveMaximum"), max);
      }
      case Shape.Choice(var words) -> {
        var listed = new TreeSet<String>();
        property.get("enum").forEach(w -> listed.add(w.asString()));
        assertThat(listed).containsExactlyInAnyOrderElementsOf(words);
      }
      case Shape.Flag() -> assertThat(property.get("type").asString()).isEqualTo("boolean");
      case Shape.TextList(int maxItems, int maxLength, _) -> {
        assertThat(property.get("maxItems").asInt()).isEqualTo(maxItems);
        assertThat(property.at("/items/maxLength").asInt()).isEqualTo(maxLength);
      }
      case Shape.TextMap(int maxItems, int maxLength) -> {
        assertThat(property.get("maxProperties").asInt()).isEqualTo(maxItems);
        assertThat(property.at("/additionalProperties/maxLength").asInt()).isEqualTo(maxLength);
      }
      case Shape.Kinds(int maxKinds, int maxLabels, int maxLength) -> {
        assertThat(property.get("maxProperties").asInt()).isEqualTo(maxKinds);
        assertThat(property.get("maxItems").asInt()).isEqualTo(maxLabels);
        assertThat(property.at("/items/maxLength").asInt()).isEqualTo(maxLength);
      }
      case Shape.Side(long min, long max, int multipleOf) -> {
        assertThat(property.get("minimum").asLong()).isEqualTo(min);
        assertThat(property.get("maximum").asLong()).isEqualTo(max);
        assertThat(property.get("multipleOf").asInt()).isEqualTo(multipleOf);
      }
      case Shape.Steps(long max) -> assertThat(property.get("maximum").asLong()).isEqualTo(max);
      case Shape.Devices(int max) -> assertThat(property.get("maxItems").asInt()).isEqualTo(max);
      case Shape.Text _, Shape.FlagOr _, Shape.Time _, Shape.Device _ ->
          assertThat(property.get("type").toString()).contains("string");
    }
  }

  @Test
  void thePartsOfTheSchemaAreThoseOfTheRecords() {
    assertFields("", RunRequest.class);
    assertFields("/properties/model", ModelSource.class);
    assertFields("/properties/dataset", DatasetSource.class);
    assertFields("/properties/dataset/properties/label", LabelFields.class);
    var train = new TreeSet<>(written(TrainingPlan.StableDiffusionLora.defaults()));
    Stream.of(RequestKey.values())
        .filter(key -> key.section() == RequestKey.Section.TRAIN)
        .filter(key -> key.isActedOn() && !onlyFlat(key))
        .map(RequestKey::key)
        .forEach(train::add);
    assertFields("/properties/train", train);
  }

  @Test
  void theSampleIsAnEffectiveRequest() {
    var sample = read("/schemas/samples/run-request.v1.json");

    var read = RequestReader.read(Json.bytes(sample), ContentKind.JSON).request();

    assertThat(Json.mapper().valueToTree(read).toString()).isEqualTo(sample.toString());
  }

  /** A plan lies flat, so that its components do not tell its keys. */
  private static Set<String> written(TrainingPlan plan) {
    return Set.copyOf(Json.mapper().valueToTree(plan).propertyNames());
  }

  private void assertFields(String pointer, Class<?> record) {
    var fields = new TreeSet<String>();
    for (var component : record.getRecordComponents()) {
      fields.add(PropertyNamingStrategies.SNAKE_CASE.nameForField(null, null, component.getName()));
    }
    assertFields(pointer, fields);
  }

  private void assertFields(String pointer, Set<String> fields) {
    assertThat(schema.at(pointer).get("properties").propertyNames())
        .containsExactlyInAnyOrderElementsOf(fields);
    assertThat(schema.at(pointer).get("additionalProperties").asBoolean()).isFalse();
  }

  private static boolean onlyFlat(RequestKey key) {
    return switch (key) {
      case TRAIN_DATA_DIR, METADATA_PATH, OUTPUT_DIR, LOGGING_DIR, BIAS, FP16 -> true;
      default -> false;
    };
  }

  private static void assertNumber(JsonNode node, double expected) {
    assertThat(node).isNotNull();
    assertThat(node.decimalValue()).isEqualByComparingTo(BigDecimal.valueOf(expected));
  }

  private static JsonNode read(String resource) {
    try (var in = RunRequestSchemaTest.class.getResourceAsStream(resource)) {
      return Json.mapper().readTree(in);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
