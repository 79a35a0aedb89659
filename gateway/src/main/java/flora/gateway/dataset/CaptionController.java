package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import flora.gateway.http.RequestBodies;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * {@code /v1/datasets/{name}/captions}: a person's word on a picture. It is laid over what the
 * newest version says at once, and every later version holds it.
 */
@RestController
final class CaptionController {

  private static final int LONGEST_TEXT = 10_000;
  private static final int LONGEST_PATH = 1024;

  private final ObjectStore store;
  private final RequestBodies bodies;
  private final Clock clock;
  private final CaptionEdits edits;
  private final LatestVersion versions;

  CaptionController(ObjectStore store, RequestBodies bodies, Clock clock) {
    this.store = store;
    this.bodies = bodies;
    this.clock = clock;
    edits = new CaptionEdits(store);
    versions = new LatestVersion(store);
  }

  /**
   * A caption as it stands.
   *
   * @param edited whether a person wrote it here
   * @param at when that was; null when it was not
   */
  record Caption(
      String object,
      String dataset,
      String fileName,
      String text,
      boolean edited,
      @Nullable Instant at) {

    String etag() {
      return '"' + Sha256.sum(text.getBytes(StandardCharsets.UTF_8)).hex() + '"';
    }
  }

  @GetMapping("/v1/datasets/{name}/captions/{*file}")
  ResponseEntity<Caption> get(@PathVariable String name, @PathVariable String file)
      throws IOException {
    DatasetNames.dataset(name);
    var picture = picture(file);
    return answer(
        current(name, picture, edits.find(name, picture)).orElseThrow(() -> none(name, picture)));
  }

  @PatchMapping("/v1/datasets/{name}/captions/{*file}")
  ResponseEntity<Caption> patch(
      @PathVariable String name,
      @PathVariable String file,
      @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
      HttpServletRequest request)
      throws IOException {
    DatasetNames.dataset(name);
    var picture = picture(file);
    var text = text(request);
    while (true) {
      var before = edits.find(name, picture);
      var caption = current(name, picture, before);
      if (caption.isEmpty() && !isIncoming(name, picture)) {
        throw none(name, picture);
      }
      require(ifMatch, caption);
      var edit = new CaptionEdit(picture, text, now());
      if (edits.write(name, edit, before.orElse(null))) {
        return answer(of(name, edit, text));
      }
    }
  }

  @DeleteMapping("/v1/datasets/{name}/captions/{*file}")
  ResponseEntity<Void> delete(
      @PathVariable String name,
      @PathVariable String file,
      @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch)
      throws IOException {
    DatasetNames.dataset(name);
    var picture = picture(file);
    while (true) {
      var before = edits.find(name, picture);
      if (before.isEmpty() || before.get().edit().text() == null) {
        throw new Refusal.NoDataset(
            "file", "nobody wrote over the caption of " + picture, "there is nothing to take back");
      }
      require(ifMatch, current(name, picture, before));
      if (edits.write(name, new CaptionEdit(picture, null, now()), before.get())) {
        return ResponseEntity.noContent().build();
      }
    }
  }

  /** The caption of a picture: an edit's, or else the newest version's. */
  private Optional<Caption> current(
      String dataset, String picture, Optional<CaptionEdits.Known> known) throws IOException {
    var edit = known.map(CaptionEdits.Known::edit).orElse(null);
    var text = edit == null ? null : edit.text();
    if (edit != null && text != null) {
      return Optional.of(of(dataset, edit, text));
    }
    var latest = versions.find(dataset);
    if (latest.isEmpty()) {
      return Optional.empty();
    }
    return versions.rows(
        latest.get(),
        (rows, _) -> {
          while (rows.hasNext()) {
            var row = rows.next();
            if (row.fileName().equals(picture)) {
              return Optional.of(new Caption("caption", dataset, picture, row.text(), false, null));
            }
          }
          return Optional.empty();
        });
  }

  private boolean isIncoming(String dataset, String picture) {
    return FileKind.of(picture) == FileKind.IMAGE
        && store.head(StoreLayout.DATASETS, StoreLayout.incoming(dataset) + picture).isPresent();
  }

  private static void require(@Nullable String ifMatch, Optional<Caption> caption) {
    if (ifMatch == null) {
      return;
    }
    boolean matches =
        caption.isPresent()
            && (ifMatch.strip().equals("*") || ifMatch.contains(caption.get().etag()));
    if (!matches) {
      throw new Refusal.PreconditionFailed("If-Match", "the caption is another by now");
    }
  }

  private static Caption of(String dataset, CaptionEdit edit, String text) {
    return new Caption("caption", dataset, edit.fileName(), text, true, edit.at());
  }

  private static ResponseEntity<Caption> answer(Caption caption) {
    return ResponseEntity.ok().header(HttpHeaders.ETAG, caption.etag()).body(caption);
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MILLIS);
  }

  private static Refusal.NoDataset none(String dataset, String picture) {
    return new Refusal.NoDataset(
        "file",
        "the dataset %s has no picture %s".formatted(dataset, picture),
        "GET /v1/datasets/%s/metadata.csv lists them".formatted(dataset));
  }

  /** A picture's name, folders included; it is data, but no path may be made of it by anybody. */
  private static String picture(String rest) {
    var name = rest.startsWith("/") ? rest.substring(1) : rest;
    boolean bad =
        name.isBlank()
            || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_PATH
            || name.chars().anyMatch(Character::isISOControl)
            || Arrays.stream(name.split("/", -1))
                .anyMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
    if (bad) {
      throw new Refusal.Invalid(
          "file", "that is no picture's name", "write it as metadata.csv does");
    }
    return name;
  }

  private String text(HttpServletRequest request) throws IOException {
    JsonNode body;
    try {
      body = Json.read(bodies.bytes(request), JsonNode.class);
    } catch (JacksonException e) {
      throw new Refusal.Invalid("", "the body is not JSON", "send {\"text\": \"…\"}");
    }
    var text = body.path("text");
    boolean onlyText =
        body.isObject()
            && body.size() == 1
            && text.isString()
            && StandardCharsets.UTF_8.newEncoder().canEncode(text.asString());
    if (!onlyText || text.asString().isBlank() || text.asString().length() > LONGEST_TEXT) {
      throw new Refusal.Invalid(
          "/text",
          "expected {\"text\": a caption of at most %d characters}".formatted(LONGEST_TEXT),
          "DELETE takes an edit back");
    }
    return text.asString().strip();
  }
}
