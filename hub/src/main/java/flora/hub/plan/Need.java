package flora.hub.plan;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.ModelSource.Preset;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * What a run needs of a repository, told by its role and layout. A diffusers repository lists its
 * components in {@code model_index.json}; a transformers repository is one folder with {@code
 * config.json}. Of weights one format and one precision is taken; twins in the formats of other
 * frameworks, safety checker, feature extractor and root checkpoints are left out. Where neither
 * document is there, or patterns keep both out, one file at the root may hold a whole model.
 */
final class Need {

  private static final String MODEL_INDEX = "model_index.json";

  /** Documents that tell of another layout than one single file. */
  private static final Set<String> LAYOUTS =
      Set.of(MODEL_INDEX, "config.json", "adapter_config.json");

  /** What the keys of the denoiser begin with where one file holds all networks. */
  private static final String SINGLE_FILE_KEYS = "model.diffusion_model.";

  private static final Set<String> LEFT_OUT = Set.of("safety_checker", "feature_extractor");

  /** Small files at the root of a transformers repository that its classes read. */
  private static final Set<String> ROOT_FILES =
      Set.of(
          ("config.json generation_config.json preprocessor_config.json processor_config.json"
                  + " image_processor_config.json chat_template.json chat_template.jinja"
                  + " adapter_config.json tokenizer.json tokenizer_config.json vocab.json vocab.txt"
                  + " merges.txt special_tokens_map.json added_tokens.json spiece.model"
                  + " sentencepiece.bpe.model tokenizer.model")
              .split(" "));

  private static final Set<String> TOKENIZER_FILES =
      Set.of(
          ("tokenizer.json tokenizer_config.json vocab.json vocab.txt merges.txt config.json"
                  + " special_tokens_map.json added_tokens.json spiece.model"
                  + " sentencepiece.bpe.model tokenizer.model")
              .split(" "));

  private static final Pattern SMALL_FILE =
      Pattern.compile(".*\\.(json|txt|model|jinja)", Pattern.CASE_INSENSITIVE);
  private static final Pattern INDEX_FILE = Pattern.compile(".*\\.index(\\.[^.]+)?\\.json");
  private static final Pattern WITHOUT_WEIGHTS =
      Pattern.compile(".*(Tokenizer|TokenizerFast|Scheduler|Processor|FeatureExtractor)");
  private static final Pattern IMAGE =
      Pattern.compile(".*\\.(png|jpe?g|webp|bmp|gif|tiff?)", Pattern.CASE_INSENSITIVE);
  private static final Pattern CAPTIONS =
      Pattern.compile("(.*/)?metadata\\.(csv|jsonl)|.*\\.(txt|caption)", Pattern.CASE_INSENSITIVE);
  private static final Pattern PICKLE =
      Pattern.compile(".*\\.(bin|ckpt|pt|pth|pkl|pickle)", Pattern.CASE_INSENSITIVE);
  private static final Pattern OTHER_FORMAT =
      Pattern.compile(".*\\.(bin|ckpt|pt|pth|h5|msgpack|ot|onnx|tflite|pb)");
  private static final Pattern FOREIGN_WEIGHTS =
      Pattern.compile(".*\\.(gguf|ggml|onnx|h5|msgpack|tflite|pb|ot|xml|mlmodel)");

  private final RepoListing listing;
  private final Predicate<String> visible;
  private final Documents documents;
  private final Preset preset;
  private final Selection selection = new Selection();

  private Need(RepoListing listing, Predicate<String> visible, Documents documents, Preset preset) {
    this.listing = listing;
    this.visible = visible;
    this.documents = documents;
    this.preset = preset;
  }

  /** What is needed, taken from the files that are visible, in the precision of the preset. */
  static Selection of(
      RepoRole role,
      RepoListing listing,
      Predicate<String> visible,
      Documents documents,
      Preset preset)
      throws InterruptedException {
    var need = new Need(listing, visible, documents, preset);
    var index = listing.file(MODEL_INDEX);
    if (role == RepoRole.DATASET) {
      need.dataset();
    } else if (role == RepoRole.BASE_MODEL && need.singleFile()) {
      return need.selection;
    } else if (index.isPresent()) {
      need.diffusers(role, documents.read(index.get()));
    } else {
      switch (role) {
        case TOKENIZER -> need.tokenizer("tokenizer", "", TOKENIZER_FILES::contains);
        case VAE -> need.vae();
        case BASE_MODEL, LABEL_MODEL, CAPTION_MODEL -> need.transformers();
        case DATASET -> throw new IllegalStateException("handled above");
      }
    }
    return need.selection;
  }

  /** Takes the one file that holds all networks of a Stable Diffusion model, if that is it. */
  private boolean singleFile() throws InterruptedException {
    var root = folder("");
    if (LAYOUTS.stream().anyMatch(root::containsKey)) {
      return false;
    }
    var files = root.values().stream().filter(file -> isSafetensors(file.path())).toList();
    if (files.size() == 1) {
      var only = files.getFirst();
      boolean whole =
          documents.tensorNames(only).stream().anyMatch(name -> name.startsWith(SINGLE_FILE_KEYS));
      if (whole) {
        selection.add(only.path());
      }
      return whole;
    }
    // what a pickle holds shows once it is converted
    var pickles = root.values().stream().filter(file -> file.path().endsWith(".ckpt")).toList();
    if (!files.isEmpty() || pickles.size() != 1) {
      return false;
    }
    var only = pickles.getFirst().path();
    if (preset == Preset.SAFETENSORS_ONLY) {
      selection.leavesOut("the model", only);
      everything();
    } else {
      selection.addPickle(only);
    }
    return true;
  }

  private static boolean isSafetensors(String path) {
    return path.endsWith(".safetensors");
  }

  private void diffusers(RepoRole role, JsonNode index) throws InterruptedException {
    if (visible.test(MODEL_INDEX)) {
      selection.add(MODEL_INDEX);
    } else {
      selection.lacks("the model", MODEL_INDEX);
    }
    var components = new LinkedHashSet<String>();
    for (var entry : index.properties()) {
      var name = entry.getKey();
      boolean present = entry.getValue().isArray() && !entry.getValue().path(1).isNull();
      boolean wanted =
          switch (role) {
            case VAE -> name.equals("vae");
            case TOKENIZER -> name.startsWith("tokenizer");
            case BASE_MODEL, LABEL_MODEL, CAPTION_MODEL, DATASET -> !LEFT_OUT.contains(name);
          };
      if (present && wanted) {
        components.add(name);
        component(name, entry.getValue().path(1).asString(""));
      }
    }
    if (components.isEmpty()) {
      selection.lacks("the model", "components in " + MODEL_INDEX);
    }
  }

  private void component(String name, String className) throws InterruptedException {
    if (className.contains("Tokenizer")) {
      tokenizer(name, name + "/", file -> isSmall(file));
    } else if (WITHOUT_WEIGHTS.matcher(className).matches()) {
      var files = folder(name + "/");
      files.keySet().removeIf(file -> !isSmall(file));
      if (files.isEmpty()) {
        selection.lacks(name, name + "/*.json");
      }
      files.values().forEach(file -> selection.add(file.path()));
    } else {
      weighty(name, name + "/");
    }
  }

  /** A folder with config.json and weights. */
  private void weighty(String name, String folder) throws InterruptedException {
    var files = folder(folder);
    if (files.containsKey("config.json")) {
      selection.add(folder + "config.json");
    } else {
      selection.lacks(name, folder + "config.json");
    }
    weights(name, files);
  }

  private void weights(String name, Map<String, HubFile> files) throws InterruptedException {
    new WeightFiles(name, files, documents, preset).into(selection);
  }

  private void tokenizer(String name, String folder, Predicate<String> wanted) {
    var files = folder(folder);
    files.keySet().removeIf(file -> !wanted.test(file));
    var names = files.keySet();
    boolean whole =
        names.contains("tokenizer.json")
            || names.contains("vocab.txt")
            || (names.contains("vocab.json") && names.contains("merges.txt"))
            || names.stream().anyMatch(file -> file.endsWith(".model"));
    if (!whole) {
      selection.lacks(name, "tokenizer.json, or vocab.json with merges.txt");
    }
    files.values().forEach(file -> selection.add(file.path()));
  }

  private void vae() throws InterruptedException {
    boolean inFolder =
        listing.file("config.json").isEmpty() && listing.file("vae/config.json").isPresent();
    weighty("vae", inFolder ? "vae/" : "");
  }

  private void transformers() throws InterruptedException {
    if (listing.file("config.json").isEmpty() && listing.file("adapter_config.json").isEmpty()) {
      selection.lacks("the model", "model_index.json or config.json" + severalFiles());
      everything();
      return;
    }
    var files = folder("");
    if (listing.file("config.json").isPresent() && !files.containsKey("config.json")) {
      selection.lacks("the model", "config.json");
    }
    files.forEach(
        (name, file) -> {
          if (ROOT_FILES.contains(name)) {
            selection.add(file.path());
          }
        });
    if (WeightFiles.anyAmong(names(""))) {
      weights("the model", files);
    } else {
      selection.lacks("the model", "a file of weights such as model.safetensors" + foreign());
      everything();
    }
  }

  /** How one of several files is chosen that may each be a whole model, for a message. */
  private String severalFiles() {
    var files = names("").stream().filter(Need::isSafetensors).sorted().toList();
    return files.size() < 2
        ? ", or one .safetensors file with a whole Stable Diffusion model"
        : ", or one file with a whole Stable Diffusion model: allow_patterns choose one of "
            + String.join(", ", files);
  }

  /** What there is instead of weights that are read here, for a message. */
  private String foreign() {
    var formats =
        listing.files().stream()
            .map(file -> FOREIGN_WEIGHTS.matcher(file.path()))
            .filter(Matcher::matches)
            .map(match -> "." + match.group(1))
            .distinct()
            .sorted()
            .collect(Collectors.joining(", "));
    return formats.isEmpty() ? "" : " (there is %s, which no stage reads)".formatted(formats);
  }

  /**
   * A layout that is not known: all of it but the other formats of what is there already. Which of
   * several quantizations or exports somebody is after cannot be known.
   */
  private void everything() {
    selection.note(
        "its layout is none that a stage reads, so all files are chosen; allow_patterns choose some");
    var safe =
        listing.files().stream()
            .map(HubFile::path)
            .filter(Need::isSafetensors)
            .map(Need::folderOf)
            .collect(Collectors.toSet());
    for (var file : listing.files()) {
      boolean twin =
          OTHER_FORMAT.matcher(file.path()).matches() && safe.contains(folderOf(file.path()));
      boolean unwanted = preset == Preset.SAFETENSORS_ONLY && PICKLE.matcher(file.path()).matches();
      if (!twin && !unwanted && visible.test(file.path())) {
        selection.add(file.path());
      }
    }
  }

  private void dataset() {
    for (var file : listing.files()) {
      var path = file.path();
      if (visible.test(path)
          && (IMAGE.matcher(path).matches() || CAPTIONS.matcher(path).matches())) {
        selection.add(path);
      }
    }
    if (selection.paths().stream().noneMatch(path -> IMAGE.matcher(path).matches())) {
      selection.lacks("the dataset", "image files");
    }
  }

  /** Names of all files right in a folder, whether visible or not. */
  private List<String> names(String folder) {
    return listing.files().stream()
        .map(HubFile::path)
        .filter(path -> folderOf(path).equals(folder))
        .map(path -> path.substring(folder.length()))
        .toList();
  }

  /** Visible files right in a folder, by name. */
  private Map<String, HubFile> folder(String folder) {
    var files = new TreeMap<String, HubFile>();
    for (var file : listing.files()) {
      var path = file.path();
      if (path.startsWith(folder) && path.indexOf('/', folder.length()) < 0 && visible.test(path)) {
        files.put(path.substring(folder.length()), file);
      }
    }
    return files;
  }

  private static boolean isSmall(String name) {
    return SMALL_FILE.matcher(name).matches()
        && !INDEX_FILE.matcher(name).matches()
        && !name.toLowerCase(Locale.ROOT).startsWith("readme");
  }

  private static String folderOf(String path) {
    return path.substring(0, path.lastIndexOf('/') + 1);
  }
}
