package flora.gateway.sync;

import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.RunId;
import flora.schemas.request.ContentKind;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.request.RequestReader;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.support.CronExpression;

/**
 * A repository that follows its hub, and how far that is; an object of the store, and the answer of
 * the interface.
 *
 * @param object always {@code sync}
 * @param source {@code configuration} or {@code api}
 * @param repo the repository
 * @param revision branch or tag
 * @param cron when to compare
 * @param zone time zone of that
 * @param useMirror {@code true}, {@code false} or a mirror's name
 * @param preset which files
 * @param allowPatterns only these files
 * @param ignorePatterns not these files
 * @param nextAt when it is compared next
 * @param lastCheckedAt when it was compared last
 * @param commit what the revision stood for then
 * @param lastChangedAt when that was last another commit than the one in the store
 * @param lastRun the run that fetched it
 * @param lastError why the last comparison came to nothing
 */
record SyncJob(
    String object,
    String source,
    RepoId repo,
    String revision,
    String cron,
    ZoneId zone,
    String useMirror,
    String preset,
    List<String> allowPatterns,
    List<String> ignorePatterns,
    Instant nextAt,
    @Nullable Instant lastCheckedAt,
    @Nullable String commit,
    @Nullable Instant lastChangedAt,
    @Nullable RunId lastRun,
    @Nullable String lastError) {

  SyncJob {
    allowPatterns = List.copyOf(allowPatterns);
    ignorePatterns = List.copyOf(ignorePatterns);
  }

  /** Its key says as much. */
  RepoReference reference() {
    return new RepoReference(repo, revision);
  }

  /** The next time by its schedule. */
  Instant after(Instant time) {
    var next = CronExpression.parse(cron).next(time.atZone(zone));
    return next == null ? Instant.parse("9999-01-01T00:00:00Z") : next.toInstant();
  }

  /** The same settings as another one, whatever became of either. */
  boolean isLike(SyncJob other) {
    return settings().equals(other.settings());
  }

  private List<Object> settings() {
    return List.of(cron, zone, useMirror, files());
  }

  /** Which files it wants. */
  List<Object> files() {
    return List.of(preset, allowPatterns, ignorePatterns);
  }

  /** To be compared at another time; whoever writes this first is the one who compares. */
  SyncJob dueAt(Instant time) {
    return with(time, lastCheckedAt, commit, lastChangedAt, lastRun, lastError);
  }

  SyncJob unchanged(Instant at, String upstream) {
    return with(after(at), at, upstream, lastChangedAt, lastRun, null);
  }

  SyncJob changed(Instant at, String upstream, RunId run) {
    return with(after(at), at, upstream, at, run, null);
  }

  SyncJob failed(Instant at, Instant next, String error) {
    return with(next, at, commit, lastChangedAt, lastRun, error);
  }

  private SyncJob with(
      Instant next,
      @Nullable Instant checked,
      @Nullable String upstream,
      @Nullable Instant changed,
      @Nullable RunId run,
      @Nullable String error) {
    return new SyncJob(
        object,
        source,
        repo,
        revision,
        cron,
        zone,
        useMirror,
        preset,
        allowPatterns,
        ignorePatterns,
        next,
        checked,
        upstream,
        changed,
        run,
        error);
  }

  /** The run that fetches it: nothing but its model part. */
  EffectiveRequest request() {
    var tree = Json.mapper().createObjectNode();
    var name = ("sync-" + repo.value()).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9._-]+", "-");
    tree.put("name", name.substring(0, Math.min(96, name.length())));
    var model = tree.putObject("model");
    model.put("base_model", reference().toString());
    model.put("use_mirror", useMirror);
    model.put("preset", preset);
    allowPatterns.forEach(model.withArray("allow_patterns")::add);
    ignorePatterns.forEach(model.withArray("ignore_patterns")::add);
    return RequestReader.read(Json.bytes(tree), ContentKind.JSON);
  }
}
