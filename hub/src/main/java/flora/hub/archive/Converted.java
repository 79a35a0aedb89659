package flora.hub.archive;

/**
 * A file that was made from one of a repository.
 *
 * @param path where it stands in the manifest, in place of the original
 * @param verified what is known of its blob; digest and size are its own, the rest is the
 *     original's
 */
public record Converted(String path, Verified verified) {}
