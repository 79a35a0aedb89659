package flora.standalone.live;

import flora.hub.Site;
import flora.schemas.RepoReference;
import java.util.List;

/**
 * A little of a repository, to be fetched for a trial.
 *
 * @param repo which
 * @param files patterns of its files
 */
public record Sample(RepoReference repo, List<String> files) {

  private static final List<String> ALL = List.of("*");

  /** A whole tiny model, with a file that lies in the hub's content network. */
  private static final Sample TINY =
      new Sample(RepoReference.parse("hf-internal-testing/tiny-random-gpt2"), ALL);

  /** ModelScope has copies of well-known models, none of which is tiny: its documents alone. */
  private static final Sample DOCUMENTS =
      new Sample(
          RepoReference.parse("openai/clip-vit-large-patch14"), List.of("*.json", "merges.txt"));

  public Sample {
    files = List.copyOf(files);
  }

  /** What a place of this kind can be expected to have. */
  public static Sample of(Site.Kind kind) {
    return switch (kind) {
      case HUGGINGFACE, FILES -> TINY;
      case MODELSCOPE -> DOCUMENTS;
    };
  }

  /** All files of a repository. */
  public static Sample whole(RepoReference repo) {
    return new Sample(repo, ALL);
  }
}
