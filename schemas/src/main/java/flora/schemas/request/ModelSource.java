package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The repositories that a run builds on. A repository is {@code owner/name[@revision]}.
 *
 * @param baseModel the model that is adapted, or mirrored; what is only mirrored may also be a
 *     dataset repository, {@code datasets/owner/name[@revision]}, as in its address on the hub
 * @param pretrainedVae another VAE in place of the base model's
 * @param tokenizerName another tokenizer in place of the base model's
 * @param allowPatterns only these files, as fnmatch patterns; empty = what the run needs
 * @param ignorePatterns not these files
 * @param useMirror {@code "true"}, {@code "false"} or a mirror's name
 * @param preset which files where {@code allowPatterns} say nothing
 */
public record ModelSource(
    String baseModel,
    @Nullable String pretrainedVae,
    @Nullable String tokenizerName,
    List<String> allowPatterns,
    List<String> ignorePatterns,
    String useMirror,
    Preset preset) {

  /** What the reference of a dataset repository begins with. */
  public static final String DATASET_PREFIX = "datasets/";

  public ModelSource {
    // requests of before there were presets have none
    preset = preset == null ? Preset.NEEDED : preset;
    allowPatterns = List.copyOf(allowPatterns);
    ignorePatterns = List.copyOf(ignorePatterns);
  }

  /** Which files of a repository. */
  public enum Preset {
    /**
     * What the run, or the model's own library, needs; pickles only where there is nothing else.
     */
    @JsonProperty("needed")
    NEEDED,
    /** The same, but nothing that only a pickle has. */
    @JsonProperty("safetensors-only")
    SAFETENSORS_ONLY,
    /** The same in the half-precision variant where there is one. */
    @JsonProperty("diffusers-fp16")
    DIFFUSERS_FP16,
    /** Every file. */
    @JsonProperty("everything")
    EVERYTHING
  }
}
