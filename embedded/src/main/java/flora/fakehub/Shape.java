package flora.fakehub;

/** What a hub's URLs and answers look like. */
public enum Shape {
  /** As huggingface.co and the mirrors that copy its paths, with or without a prefix. */
  HUB,
  /**
   * As universities mirror files: {@code /…/hugging-face/models/{id}/{path}}, static files of the
   * default branch with Content-Length, Last-Modified and ranges. No API, no header of a hub's.
   */
  PLAIN_FILES,
  /** As modelscope.cn: its own API under {@code /api/v1}, the branch is {@code master}. */
  MODELSCOPE
}
