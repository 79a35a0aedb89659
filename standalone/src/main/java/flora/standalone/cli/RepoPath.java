package flora.standalone.cli;

import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.standalone.client.InvalidInput;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Repositories as people write them, as addresses of the interface. */
final class RepoPath {

  private RepoPath() {}

  /** Reads {@code owner/name[@revision]}; a revision given apart must not contradict. */
  static RepoReference parse(String text, @Nullable String revision) {
    try {
      var reference = RepoReference.parse(text);
      if (revision == null) {
        return reference;
      }
      if (text.contains("@") && !reference.revision().equals(revision)) {
        throw new InvalidInput(
            "%s and --revision %s contradict each other: give one of them"
                .formatted(text, revision));
      }
      return new RepoReference(reference.repo(), revision);
    } catch (IllegalArgumentException e) {
      throw new InvalidInput("%s: %s".formatted(text, e.getMessage()));
    }
  }

  /** {@code /v1/models/owner/name} and what follows. */
  static String of(RepoId repo, String rest) {
    return "/v1/models/" + repo.folder() + rest;
  }

  /** With the revision as a parameter. */
  static String of(RepoReference reference, String rest) {
    return of(reference.repo(), rest) + "?revision=" + encode(reference.revision());
  }

  static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
