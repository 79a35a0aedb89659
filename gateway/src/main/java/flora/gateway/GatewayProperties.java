package flora.gateway;

import flora.schemas.RepoReference;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.scheduling.support.CronExpression;
import org.springframework.util.unit.DataSize;

/**
 * How the gateway behaves.
 *
 * @param instance name of this gateway among several: two that run at once need two names
 * @param apiKey asked for on {@code /v1/**} as a bearer token; empty = nobody is asked
 * @param maxRequest largest body of a run request
 * @param maxUpload largest picture
 * @param maxModel largest file of an uploaded model
 * @param maxStreams how many event streams may be open at once
 * @param planTimeout how long a plan may take: lists and small documents of a hub
 * @param heartbeat how often a quiet event stream says that it lives
 * @param stalledAfter silence of a running stage after which a run counts as stalled
 * @param bucketNotifications ARN that the datasets bucket is to tell of new objects; empty = the
 *     store tells nobody, and listing alone finds what was dropped
 * @param reconcile the second look at runs
 * @param intake dropped files
 * @param clean making room in the store
 * @param sync repositories that follow their hub
 * @param bundle repositories that come as one file
 */
@ConfigurationProperties("gateway")
public record GatewayProperties(
    @DefaultValue("0") String instance,
    @DefaultValue("") ApiKey apiKey,
    @DefaultValue("1MB") DataSize maxRequest,
    @DefaultValue("256MB") DataSize maxUpload,
    @DefaultValue("64GB") DataSize maxModel,
    @DefaultValue("200") int maxStreams,
    @DefaultValue("30s") Duration planTimeout,
    @DefaultValue("15s") Duration heartbeat,
    @DefaultValue("30s") Duration stalledAfter,
    @DefaultValue("") String bucketNotifications,
    @DefaultValue Reconcile reconcile,
    @DefaultValue Intake intake,
    @DefaultValue Clean clean,
    @DefaultValue List<Sync> sync,
    @DefaultValue Bundle bundle) {

  public GatewayProperties {
    if (!instance.matches("[A-Za-z0-9._-]{1,64}")) {
      throw new IllegalArgumentException(
          "gateway.instance must be 1 to 64 letters, digits and ._-, not '" + instance + "'");
    }
    sync = List.copyOf(sync);
    positive("gateway.plan-timeout", planTimeout);
    positive("gateway.heartbeat", heartbeat);
    positive("gateway.stalled-after", stalledAfter);
    if (maxStreams < 1) {
      throw new IllegalArgumentException("gateway.max-streams must be at least 1");
    }
    if (maxRequest.toBytes() < 1 || maxUpload.toBytes() < 1 || maxModel.toBytes() < 1) {
      throw new IllegalArgumentException(
          "gateway.max-request, gateway.max-upload and gateway.max-model must be at least 1 byte");
    }
  }

  /**
   * The second look at runs.
   *
   * @param every how often runs that have not ended are looked at
   * @param orphanedAfter how long a run may be without a live lease before it is enqueued again
   * @param scanEvery how often the whole store is searched for runs that no event ever mentioned;
   *     also done at start
   */
  public record Reconcile(
      @DefaultValue("10s") Duration every,
      @DefaultValue("60s") Duration orphanedAfter,
      @DefaultValue("10m") Duration scanEvery) {
    public Reconcile {
      positive("gateway.reconcile.every", every);
      positive("gateway.reconcile.orphaned-after", orphanedAfter);
      positive("gateway.reconcile.scan-every", scanEvery);
    }
  }

  /**
   * Dropped files.
   *
   * @param enabled whether this gateway looks for them
   * @param every how often the incoming folders are listed
   * @param quiet how long a folder must not change before its run starts
   */
  public record Intake(
      @DefaultValue("true") boolean enabled,
      @DefaultValue("5s") Duration every,
      @DefaultValue("10s") Duration quiet) {
    public Intake {
      positive("gateway.intake.every", every);
      positive("gateway.intake.quiet", quiet);
    }
  }

  /**
   * Making room in the store.
   *
   * @param cron when, as second minute hour day month weekday; {@code -} = only when asked
   * @param zone time zone of that
   * @param quota how much all fetched repositories may hold; without one nothing is ever removed
   * @param minAge what was used within this time stays, whatever the quota
   * @param orphanAge how long a file may lie in the store that nothing refers to
   */
  public record Clean(
      @DefaultValue("0 30 3 * * *") String cron,
      @DefaultValue("UTC") ZoneId zone,
      @Nullable DataSize quota,
      @DefaultValue("1h") Duration minAge,
      @DefaultValue("24h") Duration orphanAge) {
    public Clean {
      if (!cron.equals("-") && !CronExpression.isValidExpression(cron)) {
        throw new IllegalArgumentException(
            "gateway.clean.cron must be six fields such as '0 30 3 * * *', or '-', not '%s'"
                .formatted(cron));
      }
      if (minAge.isNegative() || orphanAge.isNegative()) {
        throw new IllegalArgumentException(
            "gateway.clean.min-age and gateway.clean.orphan-age must not be negative");
      }
    }
  }

  /**
   * A repository that follows its hub.
   *
   * @param repo {@code owner/name}
   * @param revision branch or tag
   * @param cron when to compare, as second minute hour day month weekday
   * @param zone time zone of that
   * @param useMirror {@code true}, {@code false} or a mirror's name
   * @param preset which files
   * @param allowPatterns only these files; empty = what the preset says
   * @param ignorePatterns not these files
   */
  public record Sync(
      String repo,
      @DefaultValue("main") String revision,
      @DefaultValue("0 0 2 * * *") String cron,
      @DefaultValue("UTC") ZoneId zone,
      @DefaultValue("true") String useMirror,
      @DefaultValue("needed") String preset,
      @DefaultValue List<String> allowPatterns,
      @DefaultValue List<String> ignorePatterns) {
    public Sync {
      if (repo == null) {
        throw new IllegalArgumentException("gateway.sync[].repo is missing: expected owner/name");
      }
      try {
        RepoReference.parse(repo + "@" + revision);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "gateway.sync[].repo %s: %s".formatted(repo, e.getMessage()));
      }
      if (!CronExpression.isValidExpression(cron)) {
        throw new IllegalArgumentException(
            "gateway.sync[].cron must be six fields such as '0 0 2 * * *', not '%s'"
                .formatted(cron));
      }
      allowPatterns = List.copyOf(allowPatterns);
      ignorePatterns = List.copyOf(ignorePatterns);
    }
  }

  /**
   * Repositories that come as one file.
   *
   * @param trustedKeys public keys, as {@code ./flora bundle keygen} says them; with any, a bundle
   *     that none of them signed is refused
   */
  public record Bundle(@DefaultValue List<String> trustedKeys) {
    public Bundle {
      trustedKeys = List.copyOf(trustedKeys);
    }
  }

  /**
   * A word that is not to be shown.
   *
   * @param value the word; empty = none
   */
  public record ApiKey(@Nullable String value) {

    /** Whether callers must know it. */
    public boolean isSet() {
      return value != null && !value.isEmpty();
    }

    @Override
    public String toString() {
      return isSet() ? "***" : "none";
    }
  }

  private static void positive(String name, Duration value) {
    if (value.isZero() || value.isNegative()) {
      throw new IllegalArgumentException(name + " must be longer than nothing, not " + value);
    }
  }
}
