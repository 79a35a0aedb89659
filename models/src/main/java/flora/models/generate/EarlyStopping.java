package flora.models.generate;

/** When a beam search is content, as transformers' {@code early_stopping}. */
public enum EarlyStopping {
  /** As soon as there are as many finished texts as beams. */
  TRUE,
  /** When the best open text, at its present length, is worse than every finished one. */
  FALSE,
  /** When no open text can become better than the finished ones, however long it gets. */
  NEVER
}
