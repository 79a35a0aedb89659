package flora.schemas;

import java.util.regex.Pattern;

/**
 * A repository at a revision, as people write it: {@code owner/name}, {@code name} or {@code
 * owner/name@revision}.
 *
 * @param repo the repository
 * @param revision branch, tag or commit; {@code main} when none was written
 */
public record RepoReference(RepoId repo, String revision) {

  /** What a reference without a revision means. */
  public static final String DEFAULT_REVISION = "main";

  private static final Pattern REVISION =
      Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9_])?");

  public RepoReference {
    if (!REVISION.matcher(revision).matches()
        || revision.contains("..")
        || revision.contains("//")) {
      throw new IllegalArgumentException(
          "not a revision: expected a branch, tag or commit of letters, digits, '.', '_', '-', '/'");
    }
  }

  /**
   * Reads a reference.
   *
   * @throws IllegalArgumentException when it is not one
   */
  public static RepoReference parse(String text) {
    int at = text.indexOf('@');
    return at < 0
        ? new RepoReference(new RepoId(text), DEFAULT_REVISION)
        : new RepoReference(new RepoId(text.substring(0, at)), text.substring(at + 1));
  }

  @Override
  public String toString() {
    return revision.equals(DEFAULT_REVISION) ? repo.value() : repo.value() + "@" + revision;
  }
}
