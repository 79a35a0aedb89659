package flora.hub;

/** The kinds of repository; each has its own paths on a hub. */
public enum RepoType {
  MODEL("models", ""),
  DATASET("datasets", "datasets");

  private final String api;
  private final String prefix;

  RepoType(String api, String prefix) {
    this.api = api;
    this.prefix = prefix;
  }

  /** Segment after {@code /api/}. */
  String api() {
    return api;
  }

  /** What the path of a file or page begins with; empty for models. */
  String prefix() {
    return prefix;
  }
}
