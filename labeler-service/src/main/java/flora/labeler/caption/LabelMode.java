package flora.labeler.caption;

/** How labels are chosen. */
public enum LabelMode {
  PER_KIND,
  SINGLE,
  MULTI
}
