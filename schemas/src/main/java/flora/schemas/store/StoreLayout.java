package flora.schemas.store;

import flora.schemas.Names;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/** Which key holds what. Keys are complete within their bucket; no key is a folder of another. */
public final class StoreLayout {

  /** Verified model files, by digest, and the manifests that name them. */
  public static final String MODELS = "flora-models";

  /** Pictures by digest, dataset versions, and what was dropped in. */
  public static final String DATASETS = "flora-datasets";

  /** One folder a run. */
  public static final String RUNS = "flora-runs";

  /** Where S3 clients drop pictures, in {@link #DATASETS}. */
  public static final String INCOMING = "incoming/";

  /** Which repositories follow their hub, in {@link #MODELS}. */
  public static final String SYNCS = "sync/";

  /** Mirrors that were made through the API, in {@link #MODELS}. */
  public static final String MIRRORS = "mirrors/";

  /** Embeddings of labels, by model and list, in {@link #MODELS}. */
  public static final String LABEL_EMBEDDINGS = "label-embeddings/";

  /** What an attempt writes down while it trains; a prefix of names within it. */
  public static final String LOGS = "logs/";

  /** Where an attempt keeps the pictures that it drew on its way. */
  public static final String PREVIEWS = "previews/";

  /** What frozen networks say of pictures and texts, in {@link #DATASETS}. */
  public static final String ENCODINGS = "encodings/";

  /** Every bucket; created at start. */
  public static final List<String> BUCKETS = List.of(MODELS, DATASETS, RUNS);

  private static final Pattern GIT_ID = Pattern.compile("[0-9a-f]{40}");

  private StoreLayout() {}

  /** A blob by its digest, in {@link #MODELS} or {@link #DATASETS}. */
  public static String blob(Sha256 digest) {
    return "blobs/sha256/" + digest.hex().substring(0, 2) + "/" + digest.hex();
  }

  /** The small marker without which a blob does not count: written after its digest was right. */
  public static String verified(Sha256 digest) {
    return blob(digest) + ".verified";
  }

  /**
   * What tells the blob of a file that a hub names by its git id alone; written before the marker.
   */
  public static String gitBlob(String sha1) {
    if (!GIT_ID.matcher(sha1).matches()) {
      throw new IllegalArgumentException("not a git id: expected 40 lower-case hex digits");
    }
    return "blobs/git-sha1/" + sha1.substring(0, 2) + "/" + sha1;
  }

  /**
   * What tells which blob a pickle was converted to, by the pickle's digest; written after the
   * marker of that blob.
   */
  public static String converted(Sha256 pickle) {
    return "blobs/converted/" + pickle.hex().substring(0, 2) + "/" + pickle.hex() + ".json";
  }

  /** What is being fetched into a blob, in the blob's bucket; see {@link #upload}. */
  public static final String UPLOADS = "uploads/";

  /**
   * How far the fetch of a file has come and who is at it, by the digest that its hub names it by;
   * there only while it is under way.
   */
  public static String upload(String digest) {
    return UPLOADS + segment(digest) + ".json";
  }

  /** Where a file lies until its SHA-256 is known, when the hub names it by its git id alone. */
  public static String staged(String gitSha1) {
    return UPLOADS + segment(gitSha1) + ".part";
  }

  /** How far the upload of a model's file has come; there only while it is under way. */
  public static String modelUpload(RepoId model, String path) {
    return UPLOADS + "own-" + digest(model + "/" + path) + ".json";
  }

  /** Where an uploaded file of a model lies until its bytes have been checked. */
  public static String modelUploadStaged(RepoId model, String path) {
    return UPLOADS + "own-" + digest(model + "/" + path) + ".part";
  }

  /** The files of a model that were uploaded and wait for its last one. */
  public static String modelDraft(RepoId model) {
    return UPLOADS + "own-" + digest(model.value()) + ".json";
  }

  private static String digest(String text) {
    return Sha256.sum(text.getBytes(StandardCharsets.UTF_8)).hex();
  }

  /** The manifest of one commit of a model repository, in {@link #MODELS}. */
  public static String modelManifest(RepoId repo, String commit) {
    return manifest(modelFolder(repo), commit);
  }

  /** The manifest of one commit of a hub's dataset repository, in {@link #DATASETS}. */
  public static String hubDatasetManifest(RepoId repo, String commit) {
    return manifest(hubDatasetFolder(repo), commit);
  }

  /**
   * The manifest of one commit.
   *
   * @param folder the repository's folder
   */
  public static String manifest(String folder, String commit) {
    return folder + segment(commit) + "/manifest.json";
  }

  /** The folder of a model repository, in {@link #MODELS}. */
  public static String modelFolder(RepoId repo) {
    return "models/" + repo.folder() + "/";
  }

  /** The folder of a hub's dataset repository, in {@link #DATASETS}. */
  public static String hubDatasetFolder(RepoId repo) {
    return "hub/" + repo.folder() + "/";
  }

  /**
   * Says when a commit was last wanted, and which of its files; written before anybody looks which
   * of them are there.
   *
   * @param folder the repository's folder
   */
  public static String used(String folder, String commit) {
    return folder + segment(commit) + "/used.json";
  }

  /** Which commit a revision stood for when it was last fetched. */
  public static String ref(String folder, String revision) {
    return folder + "refs/" + flat(revision);
  }

  /** Says that what a revision stands for is to stay. */
  public static String pin(String folder, String revision) {
    return folder + "pins/" + flat(revision);
  }

  /** How often a model's revision is compared with its hub, and what came of it. */
  public static String sync(RepoId repo, String revision) {
    return SYNCS + repo.folder() + "/" + flat(revision);
  }

  /** Who cleans up, until when, in {@link #MODELS}. */
  public static String cleaning() {
    return "claims/clean.json";
  }

  /** There while blobs are taken away, in {@link #MODELS}: whoever looks for one waits. */
  public static String removing() {
    return "claims/remove.json";
  }

  /** A mirror that was made through the API, in {@link #MODELS}. */
  public static String mirror(String name) {
    return MIRRORS + segment(name) + ".json";
  }

  /** A file of one immutable dataset version, in {@link #DATASETS}. */
  public static String datasetVersion(String dataset, Sha256 version, String file) {
    return "datasets/" + segment(dataset) + "/versions/" + version.hex() + "/" + file;
  }

  /** What names the newest version of a dataset; moves last. */
  public static String datasetLatest(String dataset) {
    return "datasets/" + segment(dataset) + "/latest.json";
  }

  /**
   * What a person wrote over the caption of a picture, in {@link #DATASETS}. The picture's name is
   * from outside and may hold anything, so its digest stands for it.
   */
  public static String captionEdit(String dataset, String fileName) {
    var digest = Sha256.sum(fileName.getBytes(StandardCharsets.UTF_8));
    return captionEdits(dataset) + digest.hex() + ".json";
  }

  /** The folder of everything that people wrote over a dataset's captions. */
  public static String captionEdits(String dataset) {
    return "datasets/" + segment(dataset) + "/captions/";
  }

  /** What a look at these very files has found, without a version being made. */
  public static String datasetReport(String dataset, Sha256 listing) {
    return "datasets/" + segment(dataset) + "/reports/" + listing.hex() + ".json";
  }

  /**
   * The embeddings of a list of labels by one commit of a model, in {@link #MODELS}.
   *
   * @param list digest of the labels and of everything else that the embeddings follow from
   */
  public static String labelEmbeddings(RepoId repo, String commit, Sha256 list) {
    return LABEL_EMBEDDINGS
        + repo.folder()
        + "/"
        + segment(commit)
        + "/"
        + list.hex()
        + ".safetensors";
  }

  /**
   * What a frozen network says of a picture or a text, in {@link #DATASETS}.
   *
   * @param key digest of all that it follows from
   */
  public static String encoding(Sha256 key) {
    return ENCODINGS + key.hex().substring(0, 2) + "/" + key.hex() + ".safetensors";
  }

  /** Where a dataset's pictures are dropped, with the closing slash. */
  public static String incoming(String dataset) {
    return INCOMING + segment(dataset) + "/";
  }

  /** Says that a dataset is driven by requests: drops into its folder start nothing. */
  public static String datasetManaged(String dataset) {
    return "datasets/" + segment(dataset) + "/managed.json";
  }

  /** Says that a run was asked for these very files: finding them dropped starts no second one. */
  public static String datasetCovered(String dataset, Sha256 listing) {
    return "datasets/" + segment(dataset) + "/covered/" + listing.hex() + ".json";
  }

  /** The frozen request of a run, in {@link #RUNS}. */
  public static String request(RunId run) {
    return runFolder(run) + "request.json";
  }

  /** Who works on the run, until when. */
  public static String lease(RunId run) {
    return runFolder(run) + "lease.json";
  }

  /** The run's only shared mutable object: what its stages have finished. */
  public static String head(RunId run) {
    return runFolder(run) + "head.json";
  }

  /** What people want of the run: go on, cancel. */
  public static String control(RunId run) {
    return runFolder(run) + "control.json";
  }

  /** A file of one attempt; only the holder of that epoch writes there. */
  public static String attempt(RunId run, long epoch, String file) {
    return runFolder(run) + "attempts/%d/%s".formatted(epoch, file);
  }

  /** A file of a checkpoint, as in {@code checkpoints/step-000100/manifest.json}. */
  public static String checkpoint(RunId run, long epoch, long step, String file) {
    return attempt(run, epoch, checkpointFolder(step) + file);
  }

  /** The folder of a checkpoint within its attempt, and within what the gateway serves. */
  public static String checkpointFolder(long step) {
    return "checkpoints/step-%06d/".formatted(step);
  }

  /** How the labelling of a run is cut into shards; the last that its planning writes. */
  public static String labelPlan(RunId run) {
    return labelFolder(run) + "plan.json";
  }

  /** The pictures of a shard, as one attempt has listed them. */
  public static String labelPictures(RunId run, long epoch, int shard) {
    return attempt(run, epoch, "label/pictures-%d.jsonl".formatted(shard));
  }

  /** The folder of a run's shards. */
  public static String labelShards(RunId run) {
    return labelFolder(run) + "shards/";
  }

  /** Who works on a shard, until when. */
  public static String labelShardClaim(RunId run, int shard) {
    return labelShard(run, shard) + "claim.json";
  }

  /** Says that a shard is done and where its rows are; the first one stays. */
  public static String labelShardDone(RunId run, int shard) {
    return labelShard(run, shard) + "done.json";
  }

  /** The rows of a shard, by their digest: whoever made them, the name says which they are. */
  public static String labelShardRows(RunId run, int shard, Sha256 rows) {
    return labelShard(run, shard) + "rows-" + rows.hex() + ".jsonl";
  }

  private static String labelShard(RunId run, int shard) {
    return labelShards(run) + shard + "/";
  }

  private static String labelFolder(RunId run) {
    return runFolder(run) + "label/";
  }

  /** Everything of one run. */
  public static String runFolder(RunId run) {
    return "runs/" + run.value() + "/";
  }

  /** A revision as one segment: git allows slashes in names, and no tildes. */
  private static String flat(String revision) {
    return revision.replace('/', '~') + ".json";
  }

  private static String segment(String name) {
    if (!Names.isSafe(name)) {
      throw new IllegalArgumentException("not a safe name: expected " + Names.RULE);
    }
    return name;
  }
}
