package flora.models.generate;

/**
 * Where texts end.
 *
 * @param stop the token that ends a text
 * @param pad the token shown for texts that have ended
 * @param maxPositions the longest text in tokens that the network takes, beginning included
 */
public record Ends(int stop, int pad, int maxPositions) {}
