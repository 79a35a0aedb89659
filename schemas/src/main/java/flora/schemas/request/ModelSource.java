package flora.schemas.request;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The repositories that a run builds on. A repository is {@code owner/name[@revision]}.
 *
 * @param baseModel the model that is adapted, or mirrored
 * @param pretrainedVae another VAE in place of the base model's
 * @param tokenizerName another tokenizer in place of the base model's
 * @param allowPatterns only these files, as fnmatch patterns; empty = what the run needs
 * @param ignorePatterns not these files
 * @param useMirror {@code "true"}, {@code "false"} or a mirror's name
 */
public record ModelSource(
    String baseModel,
    @Nullable String pretrainedVae,
    @Nullable String tokenizerName,
    List<String> allowPatterns,
    List<String> ignorePatterns,
    String useMirror) {
  public ModelSource {
    allowPatterns = List.copyOf(allowPatterns);
    ignorePatterns = List.copyOf(ignorePatterns);
  }
}
