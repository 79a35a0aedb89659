package flora.gateway.bundle;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Ref;
import flora.schemas.RepoReference;
import flora.schemas.Sha256;
import flora.store.ObjectStore;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/bundles}: repositories out of the store as one file, and into it. */
@RestController
final class BundleController {

  private static final String TAR = "application/x-tar";

  private final Archive archive;
  private final BundleSignature.Trusted trusted;
  private final Clock clock;

  BundleController(ObjectStore store, GatewayProperties properties, Clock clock) {
    this.clock = clock;
    archive = new Archive(store);
    trusted = new BundleSignature.Trusted(properties.bundle().trustedKeys());
  }

  /** What the bundle of some repositories would list: the bytes to be signed. */
  @GetMapping("/v1/bundles:manifest")
  void manifest(
      @RequestParam(required = false) @Nullable List<String> repo,
      @RequestParam(required = false) @Nullable List<String> dataset,
      HttpServletResponse response)
      throws IOException, InterruptedException {
    var manifest = manifest(repo, dataset);
    Wish.say(archive, clock, manifest);
    var bytes = manifest.bytes();
    response.setContentType("application/json");
    response.setContentLength(bytes.length);
    response.getOutputStream().write(bytes);
  }

  /**
   * The bundle.
   *
   * @param manifest digest of the manifest that was seen before: refused when it is another by now
   * @param signature of that manifest, in base 64
   */
  @GetMapping("/v1/bundles")
  void export(
      @RequestParam(required = false) @Nullable List<String> repo,
      @RequestParam(required = false) @Nullable List<String> dataset,
      @RequestParam(required = false) @Nullable String manifest,
      @RequestParam(required = false) @Nullable String signature,
      HttpServletResponse response)
      throws IOException, InterruptedException {
    var listed = manifest(repo, dataset);
    if (manifest != null && !Sha256.sum(listed.bytes()).hex().equals(manifest)) {
      throw new Refusal.Busy("the repositories were changed since their list was asked for");
    }
    if (signature != null && !signature.matches("[A-Za-z0-9+/=]{1,200}")) {
      throw new Refusal.Invalid("signature", "signature is not in base 64", null);
    }
    var signed = signature == null ? null : BundleSignature.of(signature);
    var export = new BundleExport(archive, clock, listed, signed);
    response.setContentType(TAR);
    response.setContentLengthLong(export.length());
    response.setHeader(
        HttpHeaders.CONTENT_DISPOSITION, "attachment; filename=\"flora-bundle.tar\"");
    export.write(response.getOutputStream());
  }

  /**
   * Takes a bundle in.
   *
   * @param dryRun only say what would come in; the beginning of the bundle will do
   */
  @PostMapping("/v1/bundles")
  BundleImport.Report take(
      @RequestParam(name = "dry_run", defaultValue = "false") boolean dryRun,
      HttpServletRequest request)
      throws IOException, InterruptedException {
    var type = request.getContentType();
    if (!TAR.equals(type)) {
      throw new Refusal.WrongMediaType(type, TAR);
    }
    var bundle = new BundleImport(archive, trusted, clock);
    var in = request.getInputStream();
    try {
      return dryRun ? bundle.look(in) : bundle.read(in);
    } catch (Refusal e) {
      // who is cut off while sending never hears why
      in.transferTo(OutputStream.nullOutputStream());
      throw e;
    }
  }

  private BundleManifest manifest(@Nullable List<String> repos, @Nullable List<String> datasets) {
    var repositories = new ArrayList<BundleManifest.Repository>();
    add(repositories, RepoType.MODEL, repos);
    add(repositories, RepoType.DATASET, datasets);
    if (repositories.isEmpty()) {
      throw new Refusal.Invalid("repo", "no repository is named", "add ?repo=owner/name");
    }
    return BundleManifest.of(repositories.stream().distinct().toList());
  }

  private void add(
      List<BundleManifest.Repository> repositories, RepoType type, @Nullable List<String> texts) {
    for (var text : texts == null ? List.<String>of() : texts) {
      RepoReference reference;
      try {
        reference = RepoReference.parse(text);
      } catch (IllegalArgumentException e) {
        throw new Refusal.Invalid("repo", String.valueOf(e.getMessage()), null);
      }
      repositories.add(repository(type, reference));
    }
  }

  private BundleManifest.Repository repository(RepoType type, RepoReference reference) {
    var commit =
        archive
            .ref(type, reference.repo(), reference.revision())
            .map(Ref::commit)
            .orElse(reference.revision());
    var manifest =
        BundleManifest.isCommit(commit)
            ? archive.manifest(type, reference.repo(), commit).orElse(null)
            : null;
    if (manifest == null) {
      throw new Refusal.NotInStore(reference.toString());
    }
    return new BundleManifest.Repository(
        type.name().toLowerCase(Locale.ROOT), reference.revision(), manifest);
  }
}
