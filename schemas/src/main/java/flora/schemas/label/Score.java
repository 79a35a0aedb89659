package flora.schemas.label;

/**
 * A label and how likely it is.
 *
 * @param label as it stands in the list that was chosen from
 * @param probability from 0 to 1
 */
public record Score(String label, double probability) {}
