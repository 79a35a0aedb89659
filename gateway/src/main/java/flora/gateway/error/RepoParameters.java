package flora.gateway.error;

import flora.hub.RepoType;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;

/** Repositories as they stand in URLs. */
public final class RepoParameters {

  private RepoParameters() {}

  /**
   * A repository at a revision.
   *
   * @param owner {@code _} for a repository whose id has one part
   * @throws Refusal.Invalid when it cannot be one
   */
  public static RepoReference reference(String owner, String name, String revision) {
    RepoId repo;
    try {
      repo = new RepoId(owner.equals("_") ? name : owner + "/" + name);
    } catch (IllegalArgumentException e) {
      throw new Refusal.Invalid("name", String.valueOf(e.getMessage()), null);
    }
    try {
      return new RepoReference(repo, revision);
    } catch (IllegalArgumentException e) {
      throw new Refusal.Invalid("revision", String.valueOf(e.getMessage()), null);
    }
  }

  /**
   * A kind of repository: {@code model} or {@code dataset}.
   *
   * @throws Refusal.Invalid for anything else
   */
  public static RepoType type(String word) {
    return switch (word) {
      case "model" -> RepoType.MODEL;
      case "dataset" -> RepoType.DATASET;
      default -> throw new Refusal.Invalid("type", "type is neither model nor dataset", null);
    };
  }
}
