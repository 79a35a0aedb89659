package flora.labeler;

import flora.labeler.caption.Caption;
import flora.labeler.caption.Captioner;
import flora.labeler.caption.ClipLabels;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.caption.ModelCaptioner;
import flora.labeler.caption.Networks;
import flora.labeler.caption.Prepared;
import flora.labeler.caption.StoredEmbeddings;
import flora.labeler.caption.TokenCounter;
import flora.models.ModelException;
import flora.models.blip.BlipCaptioning;
import flora.models.image.RgbImage;
import flora.models.tokenizer.ClipTokenizer;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.LabelOptions;
import flora.schemas.run.Head;
import flora.stage.SnapshotFolder;
import flora.store.LocalCache;
import flora.store.ObjectStore;
import flora.tensors.SafetensorsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Opens the label models that the fetch stage has left in the store. */
final class LabelModels {

  private static final Set<String> TOKENIZER_FILES =
      Set.of(
          "tokenizer.json",
          "vocab.json",
          "merges.txt",
          "tokenizer_config.json",
          "special_tokens_map.json");

  private final ObjectStore store;
  private final LocalCache cache;
  private final Path workFolder;

  /**
   * An opener.
   *
   * @param store keeps what was computed of a model, for the next run
   * @param cache of the models' files
   * @param workFolder where links to the models' files are laid out
   */
  LabelModels(ObjectStore store, LocalCache cache, Path workFolder) {
    this.store = store;
    this.cache = cache;
    this.workFolder = workFolder;
  }

  /**
   * What the captions of a run depend on, without opening a model.
   *
   * @throws LabelModelException when a model that is needed was not fetched
   */
  static LabelRecipe recipe(LabelOptions options, Head head) {
    return switch (options.labeler()) {
      case CLIP, BLIP -> LabelRecipe.of(options, name(snapshot(head, RepoRole.LABEL_MODEL)), null);
      case BLIP_AND_CLIP ->
          LabelRecipe.of(
              options,
              name(snapshot(head, RepoRole.LABEL_MODEL)),
              name(snapshot(head, RepoRole.CAPTION_MODEL)));
      case NONE -> LabelRecipe.of(options, null, null);
    };
  }

  /**
   * What the fetch stage left of a repository.
   *
   * @throws LabelModelException.NotFetched when it left nothing
   */
  static Snapshot snapshot(Head head, RepoRole role) {
    return find(head, role).orElseThrow(() -> new LabelModelException.NotFetched(role));
  }

  private static Optional<Snapshot> find(Head head, RepoRole role) {
    return Optional.ofNullable(head.fetch()).stream()
        .flatMap(f -> f.snapshots().stream())
        .filter(s -> s.role() == role)
        .findFirst();
  }

  private static String name(Snapshot snapshot) {
    return snapshot.repo() + "@" + snapshot.commit();
  }

  /**
   * Opens the models of a run with the options of its request.
   *
   * @param beat called now and then; throws to stop
   * @throws LabelModelException when a model cannot be used
   */
  Captioner open(LabelOptions options, Head head, Runnable beat) {
    var recipe = recipe(options, head);
    return switch (options.labeler()) {
      case CLIP -> {
        var clip = clip(options, snapshot(head, RepoRole.LABEL_MODEL), beat);
        yield named(new ModelCaptioner(recipe, options, clip, null, clip::tokens));
      }
      case BLIP -> {
        var tokens = tokenCounter(head);
        var blip = blip(options, snapshot(head, RepoRole.LABEL_MODEL), beat);
        yield named(new ModelCaptioner(recipe, options, null, blip, tokens));
      }
      case BLIP_AND_CLIP -> {
        var clip = clip(options, snapshot(head, RepoRole.LABEL_MODEL), beat);
        try {
          var blip = blip(options, snapshot(head, RepoRole.CAPTION_MODEL), beat);
          yield named(new ModelCaptioner(recipe, options, clip, blip, clip::tokens));
        } catch (RuntimeException e) {
          clip.close();
          throw e;
        }
      }
      case NONE -> throw new IllegalArgumentException("labeler none has no model");
    };
  }

  /**
   * What counts the tokens of captions for the model that is trained on them: the base model's
   * tokenizer, or else that of a label model that is a CLIP.
   *
   * @return null when the fetch stage left no such tokenizer
   */
  @Nullable TokenCounter tokenCounter(Head head) {
    for (var role : List.of(RepoRole.TOKENIZER, RepoRole.BASE_MODEL, RepoRole.LABEL_MODEL)) {
      var counter = find(head, role).flatMap(this::tokenizer);
      if (counter.isPresent()) {
        var tokenizer = counter.get();
        return text -> tokenizer.ids(text).length;
      }
    }
    return null;
  }

  private Optional<ClipTokenizer> tokenizer(Snapshot snapshot) {
    try (var folder = SnapshotFolder.open(cache, snapshot, workFolder, LabelModels::isTokenizer)) {
      for (var path : List.of(folder.path().resolve("tokenizer"), folder.path())) {
        if (Files.isDirectory(path)) {
          return Optional.of(ClipTokenizer.load(path));
        }
      }
      return Optional.empty();
    } catch (ModelException e) {
      return Optional.empty(); // not one of CLIP's: a base model may be of any kind
    }
  }

  private static boolean isTokenizer(String path) {
    var name = path.startsWith("tokenizer/") ? path.substring("tokenizer/".length()) : path;
    return TOKENIZER_FILES.contains(name);
  }

  private ClipLabels clip(LabelOptions options, Snapshot snapshot, Runnable beat) {
    var embeddings = new StoredEmbeddings(store, snapshot.repo(), snapshot.commit(), workFolder);
    return open(
        snapshot,
        "name a CLIP model, such as openai/clip-vit-large-patch14, in label.model",
        beat,
        folder -> ClipLabels.open(folder, options, embeddings, beat));
  }

  private BlipCaptioning blip(LabelOptions options, Snapshot snapshot, Runnable beat) {
    return open(
        snapshot,
        "name a BLIP model, such as Salesforce/blip-image-captioning-base, in label."
            + (snapshot.role() == RepoRole.CAPTION_MODEL ? "caption_model" : "model"),
        beat,
        folder ->
            BlipCaptioning.open(
                folder,
                Networks.precision(options.precision()),
                Networks.generation(options.generation()),
                options.generation().prompt()));
  }

  /** The folder can go as soon as the model is open: its files stay mapped. */
  private <T> T open(Snapshot snapshot, String hint, Runnable beat, Function<Path, T> opening) {
    try (var folder = SnapshotFolder.open(cache, snapshot, workFolder)) {
      beat.run();
      try {
        return opening.apply(folder.path());
      } catch (ModelException e) {
        // a file's name in its repository says all; where it lies here is nobody's business
        var why = String.valueOf(e.getMessage()).replace(folder.path() + "/", "");
        throw new LabelModelException.Unsupported(name(snapshot), hint, why, e);
      }
    } catch (SafetensorsException e) {
      throw new LabelModelException.Damaged(name(snapshot), e);
    }
  }

  private static Captioner named(Captioner captioner) {
    var recipe = captioner.recipe();
    return new Named(
        captioner,
        Stream.of(recipe.model(), recipe.captionModel())
            .filter(Objects::nonNull)
            .collect(Collectors.joining(" or ")));
  }

  /** Says which models it was when they turn out not to be usable later. */
  private record Named(Captioner captioner, String models) implements Captioner {

    @Override
    public LabelRecipe recipe() {
      return captioner.recipe();
    }

    @Override
    public Prepared prepare(RgbImage picture) {
      return tried(() -> captioner.prepare(picture));
    }

    @Override
    public List<Caption> caption(List<Prepared> pictures, Runnable beat) {
      return tried(() -> captioner.caption(pictures, beat));
    }

    private <T> T tried(Supplier<T> work) {
      try {
        return work.get();
      } catch (ModelException e) {
        throw new LabelModelException.Unsupported(
            models, "name another label model", String.valueOf(e.getMessage()), e);
      }
    }

    @Override
    public void close() {
      captioner.close();
    }
  }
}
