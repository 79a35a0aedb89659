package flora.labeler.caption;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;

/** A label and a template are together longer than the label model can read. */
public final class PromptTooLong extends PipelineException {

  PromptTooLong(String label, String template, int tokens, int limit) {
    super(
        "the label \"%s\" in the template \"%s\" has %d tokens, the label model reads at most %d"
            .formatted(label, template, tokens, limit));
  }

  @Override
  public ErrorCode code() {
    return ErrorCode.REQUEST_INVALID;
  }

  @Override
  public String hint() {
    return "shorten the label in label.labels, or the template in label.templates";
  }
}
