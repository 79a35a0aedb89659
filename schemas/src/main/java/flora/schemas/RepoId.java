package flora.schemas;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.regex.Pattern;

/**
 * A repository on a hub: {@code owner/name}, or one part as in {@code gpt2}.
 *
 * @param value the id without a revision
 */
public record RepoId(@JsonValue String value) {

  // huggingface_hub.utils.validate_repo_id: 96 characters a part, no "--" or "..", no edge dots or
  // dashes
  private static final Pattern PART =
      Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?");

  @JsonCreator
  public RepoId {
    var parts = value.split("/", -1);
    boolean sound = parts.length <= 2 && !value.contains("--") && !value.contains("..");
    for (var part : parts) {
      sound &= PART.matcher(part).matches();
    }
    if (!sound || value.endsWith(".git")) {
      throw new IllegalArgumentException(
          "not a repository id: expected owner/name of letters, digits, '.', '_' and '-'");
    }
  }

  /** Owner and name, with {@code _} standing for the owner of a one-part id. */
  public String folder() {
    return value.contains("/") ? value : "_/" + value;
  }

  @Override
  public String toString() {
    return value;
  }
}
