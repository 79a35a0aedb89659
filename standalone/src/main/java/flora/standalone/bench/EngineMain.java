package flora.standalone.bench;

import flora.embedded.EmbeddedS3;
import flora.fetcher.download.DownloadSettings;
import flora.fetcher.download.Downloader;
import flora.fetcher.download.Progress;
import flora.hub.HubFile;
import flora.hub.HubSettings;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.MirrorProperties;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.DownloadPlan;
import flora.hub.plan.PlannedDownload;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.fetch.RepoRole;
import flora.schemas.store.StoreLayout;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The fetch engine and the store's client alone in a process, so that its memory is theirs. Obeys
 * lines: {@code fetch REPO [MIRRORS]}, {@code clear}, {@code write BYTES} (the store's own rate, by
 * the same client), {@code hash BYTES}; answers each with one line of JSON.
 */
final class EngineMain {

  private EngineMain() {}

  /**
   * @param args the store's endpoint, or the folder of one in this process, as {@code ./flora up}
   *     has it; then the hub's endpoint and those of its mirrors
   */
  public static void main(String... args) throws Exception {
    if (args[0].startsWith("http:")) {
      obey(URI.create(args[0]), LocalFiles.none(), args);
      return;
    }
    try (var s3 = EmbeddedS3.start(EmbeddedS3.Options.on(Path.of(args[0])))) {
      obey(s3.endpoint(), LocalFiles.in(s3.objects(), s3::putPart), args);
    }
  }

  private static void obey(URI endpoint, LocalFiles files, String... args) throws Exception {
    try (var store =
            new S3ObjectStore(endpoint, "flora", new Secret("flora-secret"), "us-east-1", files);
        var hub =
            new Mirrors(
                MirrorProperties.of(mirrors(args)),
                HubSettings.of(URI.create(args[1])),
                name -> null,
                store,
                Clock.systemUTC())) {
      StoreLayout.BUCKETS.forEach(store::ensureBucket);
      var downloader = new Downloader(store, DownloadSettings.DEFAULT, Clock.systemUTC());
      System.out.println("ready");
      var lines = Child.lines();
      for (String line; (line = lines.readLine()) != null; ) {
        var words = line.split(" ");
        resetPeak();
        long before = memory("VmRSS:");
        long start = System.nanoTime();
        switch (words[0]) {
          case "fetch" ->
              fetch(hub, downloader, store, words[1], words.length > 2 ? words[2] : "true");
          case "clear" -> clear(store);
          case "write" -> write(store, Long.parseLong(words[1]));
          case "hash" -> hash(Long.parseLong(words[1]));
          default -> throw new IllegalArgumentException(line);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.println(
            Json.mapper()
                .writeValueAsString(
                    Map.of("seconds", seconds, "before", before, "peak", memory("VmHWM:"))));
      }
    }
  }

  private static Mirror[] mirrors(String... args) {
    var mirrors = new Mirror[args.length - 2];
    for (int i = 2; i < args.length; i++) {
      mirrors[i - 2] =
          new Mirror(
              "mirror-" + (i - 1),
              Site.Kind.HUGGINGFACE,
              URI.create(args[i]),
              null,
              null,
              Map.of(),
              null,
              Map.of(),
              Map.of(),
              100,
              true,
              16,
              List.of());
    }
    return mirrors;
  }

  /** Nothing is in the store any more. */
  private static void clear(ObjectStore store) {
    for (var bucket : StoreLayout.BUCKETS) {
      try (var all = store.list(bucket, "")) {
        all.toList().forEach(each -> store.delete(bucket, each.key()));
      }
    }
  }

  private static void fetch(
      Mirrors hub, Downloader downloader, ObjectStore store, String repo, String useMirror)
      throws InterruptedException {
    var copies = hub.locate(RepoType.MODEL, new RepoId(repo), "main", useMirror);
    var listing = copies.listing();
    var plan =
        new DownloadPlan(RepoRole.BASE_MODEL, listing, listing.files(), List.of(), List.of());
    var results = downloader.run(List.of(new PlannedDownload(plan, copies)), new Silent());
    new Archive(store).publish(listing, results.getFirst());
  }

  /** As fast as the store takes parts that lie in memory, two at once. */
  private static void write(ObjectStore store, long bytes) throws Exception {
    var part = new byte[ObjectStore.PART_SIZE];
    int parts = (int) Math.ceilDiv(bytes, part.length);
    try (var upload =
            store.startMultipart(StoreLayout.MODELS, "bench/write", "binary/octet-stream");
        var threads = Executors.newFixedThreadPool(4)) {
      var all = new ArrayList<Future<?>>();
      for (int i = 1; i <= parts; i++) {
        int number = i;
        all.add(threads.submit(() -> upload.part(number, part, part.length)));
      }
      for (var one : all) {
        one.get();
      }
      upload.complete();
    }
    store.delete(StoreLayout.MODELS, "bench/write");
  }

  private static void hash(long bytes) throws NoSuchAlgorithmException {
    var digest = MessageDigest.getInstance("SHA-256");
    var piece = new byte[1 << 20];
    for (long left = bytes; left > 0; left -= piece.length) {
      digest.update(piece);
    }
    digest.digest();
  }

  private static void resetPeak() throws IOException {
    System.gc();
    var references = Path.of("/proc/self/clear_refs");
    if (Files.isWritable(references)) {
      Files.writeString(references, "5");
    }
  }

  /** Bytes, 0 where the system does not say. */
  private static long memory(String field) throws IOException {
    var status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return 0;
    }
    try (var lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith(field))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElse(0);
    }
  }

  private static final class Silent implements Downloader.Watcher {
    @Override
    public void verified(RepoListing listing, HubFile file, Verified verified, boolean isNew) {}

    @Override
    public void tick(Progress progress) {}
  }
}
