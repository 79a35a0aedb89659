package flora.hub.plan;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import java.util.Collection;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Why a repository does not give what a run needs of it. */
public abstract sealed class PlanException extends PipelineException {

  /** How many files a message names. */
  private static final int NAMED = 12;

  private final ErrorCode code;
  private final @Nullable String hint;

  private PlanException(ErrorCode code, String message, @Nullable String hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }

  @Override
  public ErrorCode code() {
    return code;
  }

  @Override
  public @Nullable String hint() {
    return hint;
  }

  private static String brief(Collection<String> paths) {
    var some = paths.stream().limit(NAMED).collect(Collectors.joining(", "));
    return paths.size() <= NAMED ? some : "%s and %d more".formatted(some, paths.size() - NAMED);
  }

  /** The repository has them, but the request's patterns keep them out. */
  public static final class FilteredOut extends PlanException {
    public FilteredOut(RepoId repo, Collection<String> paths) {
      super(
          ErrorCode.FILE_FILTERED_OUT,
          "allow_patterns and ignore_patterns leave out what the run needs of %s: %s"
              .formatted(repo, brief(paths)),
          "let these files through, or leave both patterns out: then what is needed is chosen");
    }
  }

  /** Weights are there, but only as pickles, and the preset wants none. */
  public static final class PickleLeftOut extends PlanException {
    public PickleLeftOut(RepoId repo, String component, String file) {
      super(
          ErrorCode.FILE_FILTERED_OUT,
          "%s of %s has its weights only as a pickle, %s, which the preset safetensors-only leaves out"
              .formatted(component, repo, file),
          "leave the preset out and it is converted, or choose a repository with .safetensors");
    }
  }

  /** A part of the model is not there. */
  public static final class Incomplete extends PlanException {
    public Incomplete(RepoId repo, String component, String expected) {
      super(
          ErrorCode.MODEL_UNSUPPORTED,
          "%s of %s is not complete: expected %s".formatted(component, repo, expected),
          "choose a repository in the layout of diffusers (model_index.json) or transformers"
              + " (config.json)");
    }
  }

  /** A dataset without pictures. */
  public static final class NoImages extends PlanException {
    public NoImages(RepoId repo) {
      super(
          ErrorCode.DATASET_EMPTY,
          "the dataset %s has no image files".formatted(repo),
          "expected .png, .jpg, .jpeg, .webp, .bmp, .gif or .tif files");
    }
  }

  /** A dataset whose pictures are packed. */
  public static final class PackedImages extends PlanException {
    public PackedImages(RepoId repo, String file) {
      super(
          ErrorCode.NOT_SUPPORTED_YET,
          "the dataset %s keeps its pictures in archives such as %s".formatted(repo, file),
          "only repositories of image files are read so far");
    }
  }

  /** What the request names is not a repository of a hub. */
  public static final class NotARepository extends PlanException {
    public NotARepository(String field, String text, boolean isPath) {
      super(
          isPath ? ErrorCode.NOT_SUPPORTED_YET : ErrorCode.REQUEST_INVALID,
          isPath
              ? "%s names a file or an object, %s: only repositories are fetched so far"
                  .formatted(field, text)
              : "%s is not a repository: expected owner/name[@revision], got %s"
                  .formatted(field, text),
          "name a repository as owner/name or owner/name@revision");
    }
  }
}
