package flora.gateway;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** {@code openapi.yaml}: what a gateway's JSON answers have to look like. */
final class Contract {

  private static final String ID = "https://flora.example/schemas/openapi.yaml";
  private static final JsonNode DOCUMENT = document();
  private static final SchemaRegistry SCHEMAS =
      SchemaRegistry.withDefaultDialect(
          SpecificationVersion.DRAFT_2020_12,
          b ->
              b.schemaIdResolvers(
                  r -> r.mapPrefix("https://flora.example/schemas/", "classpath:schemas/")));

  private static final Comparator<String> MOST_SPECIFIC =
      Comparator.<String>comparingInt(template -> template.split("\\{", -1).length)
          .thenComparingInt(template -> -template.length());

  private Contract() {}

  /**
   * Holds a JSON answer against what the document says of its path, method and status. What it does
   * not describe is an error, unless it is a refusal: then only the form of a problem counts.
   */
  static void hold(HttpResponse<String> response) {
    var type = response.headers().firstValue("Content-Type").orElse("");
    var request = response.request();
    var method = request.method().toLowerCase(Locale.ROOT);
    var path = request.uri().getRawPath();
    // of health it says the status alone, and a file may be anything
    boolean isFree = path.endsWith("z") || path.contains("/files/");
    if (response.body().isEmpty() || !type.contains("json") || isFree) {
      return;
    }
    boolean isProblem = type.startsWith("application/problem+json");
    var schema =
        isProblem
            ? "/components/schemas/Problem"
            : answer(path, method, response.statusCode())
                .orElseThrow(
                    () ->
                        new AssertionError(
                            "openapi.yaml has no JSON answer %d of %s %s"
                                .formatted(response.statusCode(), method, path)));
    var errors =
        SCHEMAS
            .getSchema(SchemaLocation.of(ID + "#" + schema))
            .validate(response.body(), InputFormat.JSON);
    if (!errors.isEmpty()) {
      throw new AssertionError(
          "%s %s is not as openapi.yaml says: %s in %s"
              .formatted(method, path, errors, response.body()));
    }
  }

  /** Where the schema of an answer stands, as a JSON pointer. */
  private static Optional<String> answer(String path, String method, int status) {
    return DOCUMENT.path("paths").propertyNames().stream()
        .filter(template -> regex(template).matcher(path).matches())
        .min(MOST_SPECIFIC)
        .map(
            template ->
                "/paths/%s/%s/responses/%d/content/application~1json/schema"
                    .formatted(template.replace("/", "~1"), method, status))
        .filter(pointer -> !DOCUMENT.at(pointer).isMissingNode())
        // a pointer in a URI
        .map(pointer -> pointer.replace("{", "%7B").replace("}", "%7D"));
  }

  private static Pattern regex(String template) {
    var regex = new StringBuilder();
    for (var part : template.split("(?=\\{)|(?<=\\})")) {
      regex.append(part.startsWith("{") ? "[^/]+" : Pattern.quote(part));
    }
    if (template.endsWith("/captions/{file}")) {
      // folders included; OpenAPI has no word for that
      regex.append("(/[^/]+)*");
    }
    return Pattern.compile(regex.toString());
  }

  private static JsonNode document() {
    try (var in = Contract.class.getResourceAsStream("/schemas/openapi.yaml")) {
      return new YAMLMapper().readTree(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
