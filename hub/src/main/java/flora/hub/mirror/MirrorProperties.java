package flora.hub.mirror;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where else than at the hub repositories can be had.
 *
 * @param mirrors in the configuration; others are made through the API
 * @param wellKnownMirrors whether hf-mirror.com and modelscope.cn take part, which they do only
 *     where the hub is the official one
 * @param offline asks nobody: everything must be in the store already
 * @param aliases new names of repositories that are no longer found under their old one
 * @param probeEvery how often each mirror's health is measured; 0 for never
 * @param probeRepository what it is measured with until a repository was fetched
 * @param maxP95Ms a mirror that answers slower than this in one of twenty cases is called slow
 * @param maxSyncLagS a mirror whose commit has been another than the hub's for longer lags behind
 * @param originGraceMs how long the hub's own answer is waited for once a mirror has answered
 */
@ConfigurationProperties("hub")
public record MirrorProperties(
    @DefaultValue List<Mirror> mirrors,
    @DefaultValue("true") boolean wellKnownMirrors,
    @DefaultValue("false") boolean offline,
    @DefaultValue Map<String, String> aliases,
    @DefaultValue("10m") Duration probeEvery,
    @DefaultValue("openai/clip-vit-large-patch14") String probeRepository,
    @DefaultValue("200") int maxP95Ms,
    @DefaultValue("300") int maxSyncLagS,
    @DefaultValue("500") int originGraceMs) {

  public MirrorProperties {
    mirrors = List.copyOf(mirrors);
    aliases = Map.copyOf(aliases);
    var names = new HashSet<String>();
    for (var mirror : mirrors) {
      if (mirror.name().equals("hub")) {
        throw new IllegalArgumentException(
            "hub.mirrors has one named hub: that is the hub itself, expected another name");
      }
      if (!names.add(mirror.name())) {
        throw new IllegalArgumentException(
            "hub.mirrors has two named " + mirror.name() + ": expected different names");
      }
    }
    if (probeEvery.isNegative() || maxP95Ms < 1 || maxSyncLagS < 1 || originGraceMs < 0) {
      throw new IllegalArgumentException(
          "hub.probe-every and hub.origin-grace-ms must be 0 or more, hub.max-p95-ms and"
              + " hub.max-sync-lag-s 1 or more");
    }
  }

  /** The defaults with these mirrors, and without the well-known ones. */
  public static MirrorProperties of(Mirror... mirrors) {
    return new MirrorProperties(
        List.of(mirrors),
        false,
        false,
        Map.of(),
        Duration.ZERO,
        "openai/clip-vit-large-patch14",
        200,
        300,
        500);
  }
}
