package flora.schemas.request;

import static flora.schemas.request.RequestKey.*;

import flora.schemas.request.RequestKey.Section;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** From what was given to what will be run: defaults, rules across keys, warnings. Pure. */
final class RequestAssembly {

  private final GivenKeys given;
  private final @Nullable String folder;
  private final List<String> warnings = new ArrayList<>();

  /**
   * Begins with what was given.
   *
   * @param folder the dropped folder that the request came with; null = none
   */
  RequestAssembly(GivenKeys given, @Nullable String folder) {
    this.given = given;
    this.folder = folder;
    warnings.addAll(given.warnings());
  }

  EffectiveRequest assemble() {
    var model = hasModel() ? model() : null;
    var dataset = hasDataset() ? dataset() : null;
    var train = hasTrain() ? new TrainAssembly(given, warnings).assemble() : null;
    if (model == null && dataset == null && train == null) {
      throw RequestException.invalid(
          "", "the request asks for nothing", "give it a model, a dataset, or both and train");
    }
    requireParts(train, model, dataset);
    var request = new RunRequest(name(model, dataset, train), model, dataset, train);
    return new EffectiveRequest(request, warnings);
  }

  private void requireParts(
      @Nullable TrainingPlan train, @Nullable ModelSource model, @Nullable DatasetSource dataset) {
    switch (train) {
      case null -> {}
      case TrainingPlan.StableDiffusionLora _ -> {
        if (model == null) {
          throw RequestException.invalid(
              "/model", "training needs a model to adapt", "add model.base_model");
        }
        if (dataset == null) {
          throw RequestException.invalid(
              "/dataset", "training needs pictures", "add dataset.name, or dataset.hub");
        }
      }
      case TrainingPlan.AdapterMerge _ -> {
        if (model == null) {
          throw RequestException.invalid(
              "/model", "adapters are merged into a model", "add model.base_model");
        }
        for (var key : List.of(PRETRAINED_VAE, TOKENIZER_NAME)) {
          if (given.has(key)) {
            throw RequestException.invalid(
                given.pointer(key),
                "%s says nothing to a merge, which keeps the model's own".formatted(key.key()),
                "leave it out");
          }
        }
        requireNo(dataset);
      }
      case TrainingPlan.AdapterConvert _ -> requireNo(dataset);
    }
  }

  private static void requireNo(@Nullable DatasetSource dataset) {
    if (dataset != null) {
      throw RequestException.invalid(
          "/dataset", "adapters are merged and converted without pictures", "leave dataset out");
    }
  }

  private boolean hasModel() {
    return given.has(Section.MODEL) || given.hasAnyOf(Section.MODEL);
  }

  private boolean hasDataset() {
    return folder != null
        || given.has(Section.DATASET)
        || given.has(DATASET_HUB)
        || given.has(TRAIN_DATA_DIR)
        || given.has(METADATA_PATH);
  }

  /** In the flat form an output folder alone says that there is something to put there. */
  private boolean hasTrain() {
    if (given.dialect() != Dialect.FLORA) {
      return true; // what other tools are asked for is training
    }
    boolean nested = given.has(Section.MODEL) || given.has(Section.DATASET);
    return given.has(Section.TRAIN)
        || given.hasAnyOf(Section.TRAIN)
        || (!nested && (given.has(OUTPUT_DIR) || given.has(LOGGING_DIR)));
  }

  private String name(
      @Nullable ModelSource model, @Nullable DatasetSource dataset, @Nullable TrainingPlan train) {
    if (given.has(LOGGING_DIR)) {
      warnings.add(
          "logging_dir: the run keeps its logs, logs/metrics.jsonl and TensorBoard's file are among its"
              + " artifacts");
    }
    if (given.has(NAME)) {
      return given.dialect() == Dialect.FLORA
          ? References.checkedName("name", given.pointer(NAME), required(NAME))
          : References.nameFrom("output_name", given.pointer(NAME), required(NAME));
    }
    if (given.has(OUTPUT_DIR)) {
      return References.nameFrom("output_dir", given.pointer(OUTPUT_DIR), required(OUTPUT_DIR));
    }
    if (dataset != null) {
      return dataset.name();
    }
    if (model == null && train instanceof TrainingPlan.AdapterConvert conversion) {
      return References.nameFrom(
          "adapters", given.pointer(ADAPTERS), conversion.adapter().source());
    }
    var repo = model == null ? "" : model.baseModel();
    return References.nameFrom("base_model", given.pointer(BASE_MODEL), repo.split("@", 2)[0]);
  }

  private ModelSource model() {
    if (!given.has(BASE_MODEL)) {
      throw RequestException.invalid(
          given.pointer(BASE_MODEL),
          "base_model is missing",
          "name a repository, owner/name[@revision]");
    }
    var allow = given.texts(ALLOW_PATTERNS);
    var base = required(BASE_MODEL);
    var wellKnown = References.wellKnownFile(base);
    if (wellKnown != null) {
      // what is worked with is read as safetensors, and there is a twin of each pickle
      var file =
          hasTrain() || hasDataset()
              ? wellKnown.replaceFirst("\\.ckpt$", ".safetensors")
              : wellKnown;
      warnings.add(
          "base_model: %s stands for the file %s of %s"
              .formatted(base, file, References.STABLE_DIFFUSION));
      base = References.STABLE_DIFFUSION;
      allow = List.of(file);
    } else {
      base = References.modelOrDataset(BASE_MODEL.key(), given.pointer(BASE_MODEL), base);
    }
    if (base.startsWith(ModelSource.DATASET_PREFIX) && (hasTrain() || hasDataset())) {
      throw RequestException.invalid(
          given.pointer(BASE_MODEL),
          "base_model: %s is a dataset repository, which is no model".formatted(base),
          "write it as dataset.hub, without datasets/, or ask for nothing but base_model");
    }
    return new ModelSource(
        base,
        repository(PRETRAINED_VAE),
        repository(TOKENIZER_NAME),
        allow,
        given.texts(IGNORE_PATTERNS),
        required(USE_MIRROR),
        switch (required(PRESET)) {
          case "safetensors-only" -> ModelSource.Preset.SAFETENSORS_ONLY;
          case "diffusers-fp16" -> ModelSource.Preset.DIFFUSERS_FP16;
          case "everything" -> ModelSource.Preset.EVERYTHING;
          default -> ModelSource.Preset.NEEDED;
        });
  }

  private DatasetSource dataset() {
    var hub = repository(DATASET_HUB);
    var label = new LabelAssembly(given).assemble();
    if (given.has(METADATA_PATH) && !required(METADATA_PATH).endsWith(".csv")) {
      throw RequestException.unsupported(
          given.pointer(METADATA_PATH),
          "metadata_path: only .csv files are read",
          "write the captions as file_name,text into a metadata.csv");
    }
    boolean checkOnly = given.flag(CHECK_ONLY);
    if (checkOnly && hasTrain()) {
      throw RequestException.invalid(
          given.pointer(CHECK_ONLY),
          "check_only makes no version of the dataset that could be trained on",
          "leave out check_only: the dataset is checked before it is trained on anyway; or leave"
              + " out train");
    }
    return new DatasetSource(datasetName(hub), hub, label, checkOnly);
  }

  private String datasetName(@Nullable String hub) {
    String name = null;
    if (given.has(DATASET_NAME)) {
      name =
          References.checkedName(
              "dataset.name", given.pointer(DATASET_NAME), required(DATASET_NAME));
    }
    if (given.has(TRAIN_DATA_DIR)) {
      var fromFolder = folderName();
      if (name != null && !name.equals(fromFolder)) {
        throw disagree(DATASET_NAME, TRAIN_DATA_DIR);
      }
      name = fromFolder;
    }
    if (hub != null) {
      var fromHub = References.nameFrom("hub", given.pointer(DATASET_HUB), hub.split("@", 2)[0]);
      if (name != null && !name.equals(fromHub)) {
        throw disagree(given.has(DATASET_NAME) ? DATASET_NAME : TRAIN_DATA_DIR, DATASET_HUB);
      }
      name = fromHub;
    }
    if (folder != null) {
      if (name != null && !name.equals(folder)) {
        throw RequestException.invalid(
            given.pointer(DATASET_NAME),
            "the request lies in the folder of dataset %s and names %s".formatted(folder, name),
            "leave the dataset's name out");
      }
      name = folder;
    }
    if (name == null) {
      throw RequestException.invalid(
          given.pointer(DATASET_NAME),
          "the dataset has no name",
          "add dataset.name, or dataset.hub for a repository of pictures");
    }
    return name;
  }

  private String folderName() {
    var path = required(TRAIN_DATA_DIR);
    if (References.isAbsolute(path) && given.dialect() != Dialect.FLORA) {
      // their scripts run where the pictures lie, so that their files say where that is
      warnings.add("train_data_dir: %s names the dataset by its last part".formatted(path));
    } else if (References.isAbsolute(path)) {
      throw RequestException.invalid(
          given.pointer(TRAIN_DATA_DIR),
          "train_data_dir must be a relative folder, whose last part names a dataset; this server"
              + " does not see your disk",
          "upload the pictures with PUT /v1/datasets/{name}/images/{file} and write"
              + " dataset.name");
    }
    return References.checkedName(
        "train_data_dir", given.pointer(TRAIN_DATA_DIR), References.lastPart(path));
  }

  private @Nullable String repository(RequestKey key) {
    var text = given.text(key);
    return text == null ? null : References.repository(key.key(), given.pointer(key), text);
  }

  private RequestException disagree(RequestKey one, RequestKey other) {
    return GivenKeys.disagree(given.get(one).orElseThrow(), given.get(other).orElseThrow());
  }

  private String required(RequestKey key) {
    return Objects.requireNonNull(given.text(key), key.key());
  }
}
