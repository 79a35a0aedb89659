package flora.gateway.model;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.hub.archive.OwnModels;
import flora.hub.archive.Verified;
import flora.schemas.Json;
import flora.schemas.Names;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.Stored;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;

/**
 * {@code PUT /v1/models/{name}/files/{path}}: a model of one's own, file by file. It is there once
 * its last file is, whole; the last is the one that is sent without {@code more=true}.
 */
@RestController
final class OwnModelController {

  private static final String OFFSET = "Upload-Offset";
  private static final String SHA256 = "X-Sha256";
  private static final String JSON = "application/json";
  private static final Pattern RANGE =
      Pattern.compile("bytes (?:(\\d{1,18})-(\\d{1,18})|\\*)/(\\d{1,18})");
  private static final Pattern PATH =
      Pattern.compile("(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/){0,2}[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}");
  private static final List<String> ENDINGS = List.of("safetensors", "json", "txt");
  private static final List<String> PICKLES = List.of("ckpt", "bin", "pt", "pth", "pkl", "pickle");

  private final ObjectStore store;
  private final OwnModels models;
  private final Clock clock;
  private final long limit;

  OwnModelController(ObjectStore store, Clock clock, GatewayProperties properties) {
    this.store = store;
    this.models = new OwnModels(store, clock);
    this.clock = clock;
    limit = properties.maxModel().toBytes();
  }

  /**
   * A file that is there.
   *
   * @param commit what the model's name stands for now; null while more files are to come
   */
  record Taken(
      String object,
      String model,
      String path,
      long size,
      Sha256 sha256,
      @Nullable String commit) {}

  /** Files that wait for the last one. */
  private record Draft(Map<String, Verified> files) {
    Draft {
      files = Map.copyOf(files);
    }
  }

  @RequestMapping(path = "/v1/models/{name}/files/{*path}", method = RequestMethod.HEAD)
  ResponseEntity<Void> offset(
      @PathVariable String name,
      @PathVariable String path,
      @RequestHeader(name = SHA256, required = false) @Nullable String sha256) {
    var upload = upload(model(name), path(path));
    return ResponseEntity.ok()
        .header(OFFSET, Long.toString(upload.offset(digest(sha256))))
        .header(HttpHeaders.CACHE_CONTROL, "no-store")
        .build();
  }

  @PutMapping("/v1/models/{name}/files/{*path}")
  ResponseEntity<?> put(
      @PathVariable String name,
      @PathVariable String path,
      @RequestParam(defaultValue = "false") boolean more,
      @RequestHeader(name = HttpHeaders.CONTENT_RANGE, required = false) @Nullable String range,
      @RequestHeader(name = SHA256, required = false) @Nullable String sha256,
      HttpServletRequest request)
      throws IOException, InterruptedException {
    var model = model(name);
    var file = path(path);
    if (models.isHubs(model)) {
      throw new Refusal.NameTaken(model);
    }
    var sent = sent(range, digest(sha256), request.getContentLengthLong());
    if (sent.size() > limit) {
      throw new Refusal.TooLarge("the file", limit);
    }
    var upload = upload(model, file);
    var done = upload.take(sent, request.getInputStream());
    if (done.isEmpty()) {
      return ResponseEntity.accepted().header(OFFSET, Long.toString(upload.offset(null))).build();
    }
    var verified = done.get();
    var commit = more ? null : publish(model, file, verified);
    if (more) {
      keep(model, file, verified);
    }
    return ResponseEntity.status(201)
        .body(
            new Taken(
                "model_file", model.value(), file, verified.size(), verified.sha256(), commit));
  }

  private ModelUpload upload(RepoId model, String path) {
    return new ModelUpload(store, clock, ObjectStore.PART_SIZE, model, path);
  }

  private String publish(RepoId model, String path, Verified verified) throws InterruptedException {
    var key = StoreLayout.modelDraft(model);
    var draft = store.read(StoreLayout.MODELS, key);
    var files = new TreeMap<>(draft.map(OwnModelController::read).orElse(Map.of()));
    files.put(path, verified);
    try {
      var listing = models.publish(model, files);
      store.delete(StoreLayout.MODELS, key);
      return listing.commit();
    } catch (OwnModels.BlobGone e) {
      store.delete(StoreLayout.MODELS, key);
      throw new Refusal.Busy(
          "%s of %s was uploaded too long ago and is gone: upload its files again"
              .formatted(e.path(), model));
    }
  }

  private void keep(RepoId model, String path, Verified verified) {
    var key = StoreLayout.modelDraft(model);
    while (true) {
      var there = store.read(StoreLayout.MODELS, key);
      var files = new TreeMap<>(there.map(OwnModelController::read).orElse(Map.of()));
      files.put(path, verified);
      var bytes = Json.bytes(new Draft(files));
      var kept =
          there.isEmpty()
              ? store.putIfAbsent(StoreLayout.MODELS, key, bytes, JSON)
              : store.putIfMatch(StoreLayout.MODELS, key, bytes, JSON, there.get().etag());
      if (kept.isPresent()) {
        return;
      }
    }
  }

  private static Map<String, Verified> read(Stored stored) {
    try {
      return Json.read(stored.bytes(), Draft.class).files();
    } catch (JacksonException e) {
      return Map.of();
    }
  }

  private static ModelUpload.Sent sent(
      @Nullable String range, @Nullable Sha256 sha256, long contentLength) {
    if (range == null) {
      if (contentLength < 0) {
        throw new Refusal.Invalid(
            HttpHeaders.CONTENT_LENGTH, "the file's size is not said", "send its Content-Length");
      }
      return new ModelUpload.Sent(0, contentLength, sha256);
    }
    var parts = RANGE.matcher(range.strip());
    if (!parts.matches()) {
      throw new Refusal.Invalid(
          HttpHeaders.CONTENT_RANGE,
          "Content-Range is not read here: expected bytes FROM-TO/SIZE, or bytes */SIZE when all"
              + " was sent",
          null);
    }
    var from = parts.group(1);
    return new ModelUpload.Sent(
        from == null ? -1 : Long.parseLong(from), Long.parseLong(parts.group(3)), sha256);
  }

  private static RepoId model(String name) {
    try {
      if (Names.isSafe(name)) {
        return new RepoId(name);
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new Refusal.Invalid(
        "name",
        "a model's name is not %s, without '--'".formatted(Names.RULE),
        "use lower-case letters, digits, '.', '_' and '-'");
  }

  private static String path(String given) {
    var path = given.substring(1);
    // as written: what reads a model knows its files by that
    var ending = path.substring(path.lastIndexOf('.') + 1);
    if (PICKLES.contains(ending.toLowerCase(Locale.ROOT))) {
      throw new Refusal.Pickle(ending.toLowerCase(Locale.ROOT));
    }
    if (!PATH.matcher(path).matches() || path.contains("..") || !ENDINGS.contains(ending)) {
      throw new Refusal.Invalid(
          "path",
          "expected a .safetensors, .json or .txt file, at most two folders deep, of letters,"
              + " digits, '.', '_' and '-'",
          null);
    }
    return path;
  }

  private static @Nullable Sha256 digest(@Nullable String hex) {
    try {
      return hex == null ? null : new Sha256(hex.toLowerCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new Refusal.Invalid(SHA256, SHA256 + " is not 64 hex digits", null);
    }
  }
}
