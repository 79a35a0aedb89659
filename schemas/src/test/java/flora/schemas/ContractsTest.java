package flora.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonTypeName;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.Snapshot;
import flora.schemas.label.LabelEvent;
import flora.schemas.label.LabelRow;
import flora.schemas.label.Score;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Run;
import flora.schemas.run.RunEvent;
import flora.schemas.run.StageState;
import flora.schemas.store.ObjectRef;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import flora.schemas.work.LabelShard;
import flora.schemas.work.Work;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Holds records, JSON Schemas, golden samples and channel names together. */
class ContractsTest {

  private static final String BASE = "https://flora.example/schemas/";
  private static final SchemaRegistry REGISTRY =
      SchemaRegistry.withDefaultDialect(
          SpecificationVersion.DRAFT_2020_12,
          b -> b.schemaIdResolvers(r -> r.mapPrefix(BASE, "classpath:schemas/")));

  /** What every event has. */
  private static final Set<String> EVERYWHERE = Set.of("type", "run_id", "attempt", "seq", "at");

  /** Maps by a name that is data: a field more would be an entry more. */
  private static final Set<String> MAPS = Set.of("stages", "labels", "replace", "classes");

  /** Schema file of each sealed family and record. */
  private static final Map<String, Class<?>> TYPES =
      Map.ofEntries(
          Map.entry("fetch-event.v1", FetchEvent.class),
          Map.entry("label-event.v1", LabelEvent.class),
          Map.entry("training-event.v1", TrainingEvent.class),
          Map.entry("run-event.v1", RunEvent.class),
          Map.entry("work.v1", Work.class),
          Map.entry("label-shard.v1", LabelShard.class),
          Map.entry("label-row.v1", LabelRow.class),
          Map.entry("caption-edit.v1", CaptionEdit.class),
          Map.entry("dataset-report.v1", DatasetReport.class),
          Map.entry("run.v1", Run.class),
          Map.entry("run-request.v1", RunRequest.class));

  /** Records that the schemas define beside the families' variants. */
  private static final Map<String, Class<?>> PARTS =
      Map.ofEntries(
          Map.entry("object_ref", ObjectRef.class),
          Map.entry("failure", Failure.class),
          Map.entry("snapshot", Snapshot.class),
          Map.entry("source_share", FetchEvent.SourceShare.class),
          Map.entry("score", Score.class),
          Map.entry("finding", DatasetReport.Finding.class),
          Map.entry("artifact", Artifact.class),
          Map.entry("stage_state", StageState.class),
          Map.entry("checkpoint", Run.SavedCheckpoint.class),
          Map.entry("run_artifact", Run.RunArtifact.class),
          Map.entry("preview", Run.Preview.class),
          Map.entry("validation", Run.Validation.class),
          Map.entry("run_error", Run.RunError.class));

  record Sample(String schema, String variant) {
    String file() {
      return "samples/" + schema + (variant.isEmpty() ? "" : "." + variant) + ".json";
    }
  }

  static Stream<Sample> samples() {
    var families =
        TYPES.entrySet().stream()
            .filter(t -> t.getValue().isSealed())
            .flatMap(
                t -> variants(t.getValue()).keySet().stream().map(v -> new Sample(t.getKey(), v)));
    return Stream.concat(
        families,
        Stream.of(
            new Sample("run.v1", ""),
            new Sample("run.v1", "failed"),
            new Sample("label-shard.v1", ""),
            new Sample("label-row.v1", ""),
            new Sample("caption-edit.v1", ""),
            new Sample("dataset-report.v1", ""),
            new Sample("run-request.v1", "")));
  }

  /** Reading it proves that there is a sample for every variant. */
  @ParameterizedTest
  @MethodSource("samples")
  void everySampleFitsItsSchema(Sample sample) {
    assertThat(errors(sample.schema(), text(sample.file()))).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void everySampleBecomesItsRecordAndIsWrittenBackTheSame(Sample sample) {
    var json = Json.mapper().readTree(text(sample.file()));

    var value = Json.mapper().treeToValue(json, TYPES.get(sample.schema()));

    assertThat(Json.mapper().readTree(Json.bytes(value))).isEqualTo(json);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void unknownFieldsAreIgnored(Sample sample) {
    var json = Json.mapper().readTree(text(sample.file()));
    var type = TYPES.get(sample.schema());
    var expected = Json.mapper().treeToValue(json, type);

    addUnknownFields(json, false);

    assertThat(Json.mapper().treeToValue(json, type)).isEqualTo(expected);
    if (!text(sample.schema() + ".schema.json").contains("\"additionalProperties\"")
        && !sample.variant().equals("submitted")) {
      assertThat(errors(sample.schema(), json.toString())).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void aSampleWithoutOneOfItsFieldsNoLongerFits(Sample sample) {
    var type = TYPES.get(sample.schema());
    var record = type.isSealed() ? variants(type).get(sample.variant()) : type;
    for (var required : required(record)) {
      if (type == RunRequest.class) {
        continue; // every part of a request may be absent
      }
      var json = (ObjectNode) Json.mapper().readTree(text(sample.file()));
      json.remove(required);
      assertThat(errors(sample.schema(), json.toString())).as(required).isNotEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fetch-event.v1",
        "label-event.v1",
        "training-event.v1",
        "run-event.v1",
        "work.v1",
        "label-shard.v1",
        "label-row.v1",
        "caption-edit.v1",
        "dataset-report.v1",
        "run.v1"
      })
  void aSchemaHasThePropertiesOfItsRecords(String name) {
    var schema = Json.mapper().readTree(text(name + ".schema.json"));
    var records = new HashMap<String, Class<?>>(PARTS);
    var type = TYPES.get(name);
    if (type.isSealed()) {
      records.putAll(variants(type));
      var refs = new TreeSet<String>();
      schema.get("oneOf").forEach(r -> refs.add(r.get("$ref").asString().substring(8)));
      assertThat(refs).isEqualTo(variants(type).keySet());
    } else {
      assertSameFields(schema, type, false);
    }
    schema
        .path("$defs")
        .properties()
        .forEach(
            def -> {
              if (def.getValue().get("type").asString().equals("object")) {
                var record = records.get(def.getKey());
                assertThat(record).as(def.getKey()).isNotNull();
                assertSameFields(def.getValue(), record, variantsContain(type, record));
              }
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fetch-event.v1",
        "label-event.v1",
        "training-event.v1",
        "run-event.v1",
        "work.v1",
        "label-shard.v1",
        "label-row.v1",
        "caption-edit.v1",
        "dataset-report.v1",
        "run.v1",
        "run-request.v1"
      })
  void everyPropertyIsDescribed(String name) {
    var missing = new ArrayList<String>();
    undescribed(Json.mapper().readTree(text(name + ".schema.json")), "", missing);
    assertThat(missing).isEmpty();
  }

  @Test
  void theSchemasKnowEveryErrorCode() {
    for (var file : List.of("fetch-event.v1", "label-event.v1", "training-event.v1")) {
      var codes = new ArrayList<String>();
      Json.mapper()
          .readTree(text(file + ".schema.json"))
          .at("/$defs/failure/properties/code/enum")
          .forEach(c -> codes.add(c.asString()));
      assertThat(codes)
          .containsExactlyElementsOf(Stream.of(ErrorCode.values()).map(Enum::name).toList());
    }
  }

  @Test
  void theChannelsAreTheTopics() {
    var described = new HashMap<String, Topics.Topic>();
    yaml("asyncapi.yaml")
        .get("channels")
        .forEach(
            channel -> {
              var kafka = channel.at("/bindings/kafka");
              var config = new HashMap<String, String>();
              kafka
                  .get("topicConfiguration")
                  .properties()
                  .forEach(
                      p ->
                          config.put(
                              p.getKey(),
                              p.getValue().isArray()
                                  ? p.getValue().get(0).asString()
                                  : p.getValue().asString()));
              var name = channel.get("address").asString();
              described.put(name, new Topics.Topic(name, kafka.get("partitions").asInt(), config));
            });

    assertThat(described.values()).containsExactlyInAnyOrderElementsOf(Topics.all());
  }

  @ParameterizedTest
  @ValueSource(strings = {"asyncapi.yaml", "openapi.yaml"})
  void everyReferenceLeadsSomewhere(String file) {
    var document = yaml(file);
    var references = new ArrayList<String>();
    collect(document, "$ref", references);
    collect(document, "externalValue", references);

    assertThat(references).hasSizeGreaterThan(20);
    for (var reference : references) {
      var parts = reference.split("#", 2);
      var target =
          parts[0].isEmpty() ? document : Json.mapper().readTree(text(parts[0].replace("./", "")));
      assertThat(target.at(parts.length == 1 ? "" : parts[1]).isMissingNode())
          .as(reference)
          .isFalse();
    }
  }

  /** The page for subscribers names every event, and of the fetch stage's every field. */
  @Test
  void thePageForSubscribersIsComplete() throws IOException {
    var page = Files.readString(Path.of("..", "docs", "subscribe.md"));
    var lines = page.lines().filter(line -> line.startsWith("| `")).toList();
    for (var family : List.of(FetchEvent.class, LabelEvent.class, TrainingEvent.class)) {
      for (var type : variants(family).keySet()) {
        assertThat(page).contains("`" + type + "`");
      }
    }
    var definitions = Json.mapper().readTree(text("fetch-event.v1.schema.json")).get("$defs");
    for (var type : variants(FetchEvent.class).keySet()) {
      var row =
          lines.stream()
              .filter(line -> line.substring(0, line.indexOf('|', 1)).contains("`" + type + "`"))
              .findFirst()
              .orElseThrow(() -> new AssertionError("no row for " + type));
      assertThat(definitions.at("/" + type + "/properties").propertyNames())
          .filteredOn(field -> !EVERYWHERE.contains(field))
          .as(type)
          .allMatch(field -> row.contains("`" + field + "`"));
    }
  }

  private static void assertSameFields(JsonNode schema, Class<?> record, boolean typed) {
    var names = new TreeSet<String>();
    var required = new TreeSet<String>();
    schema.get("properties").propertyNames().forEach(names::add);
    schema.get("required").forEach(r -> required.add(r.asString()));
    var fields = new TreeSet<String>();
    for (var component : record.getRecordComponents()) {
      fields.add(PropertyNamingStrategies.SNAKE_CASE.nameForField(null, null, component.getName()));
    }
    var needed = new TreeSet<>(required(record));
    if (typed) {
      fields.add("type");
      needed.add("type");
    }
    assertThat(names).as(record.getSimpleName()).isEqualTo(fields);
    // what may be null may also be absent, but a schema may ask for it
    assertThat(required).as(record.getSimpleName()).containsAll(needed);
    assertThat(fields).containsAll(required);
  }

  private static List<String> required(Class<?> record) {
    return Stream.of(record.getRecordComponents())
        .filter(c -> !c.getAnnotatedType().isAnnotationPresent(Nullable.class))
        .map(c -> PropertyNamingStrategies.SNAKE_CASE.nameForField(null, null, c.getName()))
        .toList();
  }

  private static Map<String, Class<?>> variants(Class<?> family) {
    var variants = new java.util.TreeMap<String, Class<?>>();
    for (var variant : family.getPermittedSubclasses()) {
      variants.put(variant.getAnnotation(JsonTypeName.class).value(), variant);
    }
    return variants;
  }

  private static boolean variantsContain(Class<?> type, Class<?> record) {
    return type.isSealed() && variants(type).containsValue(record);
  }

  private static void addUnknownFields(JsonNode node, boolean inMap) {
    if (node instanceof ObjectNode object) {
      object.properties().forEach(p -> addUnknownFields(p.getValue(), MAPS.contains(p.getKey())));
      if (!inMap) {
        object.put("added_later", "x");
      }
    } else {
      node.forEach(n -> addUnknownFields(n, false));
    }
  }

  private static void undescribed(JsonNode node, String path, List<String> missing) {
    if (node.isObject()) {
      var properties = node.get("properties");
      if (properties != null) {
        properties
            .properties()
            .forEach(
                p -> {
                  var description = p.getValue().get("description");
                  if (description == null || description.asString().isBlank()) {
                    missing.add(path + "/" + p.getKey());
                  }
                });
      }
      node.properties().forEach(p -> undescribed(p.getValue(), path + "/" + p.getKey(), missing));
    }
    if (node.isArray()) {
      node.forEach(n -> undescribed(n, path + "/*", missing));
    }
  }

  private static void collect(JsonNode node, String key, List<String> found) {
    if (node.isObject() && node.get(key) != null && node.get(key).isString()) {
      found.add(node.get(key).asString());
    }
    node.forEach(n -> collect(n, key, found));
  }

  private static List<com.networknt.schema.Error> errors(String schema, String json) {
    Schema loaded = REGISTRY.getSchema(SchemaLocation.of(BASE + schema + ".schema.json"));
    return loaded.validate(json, InputFormat.JSON);
  }

  private static JsonNode yaml(String file) {
    return new YAMLMapper().readTree(text(file));
  }

  private static String text(String file) {
    try (var in = ContractsTest.class.getResourceAsStream("/schemas/" + file)) {
      assertThat(in).as(file).isNotNull();
      return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
