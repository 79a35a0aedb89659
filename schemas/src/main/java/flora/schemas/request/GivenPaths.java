package flora.schemas.request;

import org.jspecify.annotations.Nullable;

/**
 * What a request says of folders and files on somebody's own disk, as it is written there.
 *
 * @param trainDataDir the folder of pictures; null = none is named
 * @param metadataPath their captions; null = none are named
 * @param outputDir where the adapter goes; null = nowhere
 * @param baseModel a model; null = none that may lie on a disk. In Flora's own words only what
 *     looks like a path, as {@code owner/name} is a repository; other tools look on the disk first
 */
public record GivenPaths(
    @Nullable String trainDataDir,
    @Nullable String metadataPath,
    @Nullable String outputDir,
    @Nullable String baseModel) {}
