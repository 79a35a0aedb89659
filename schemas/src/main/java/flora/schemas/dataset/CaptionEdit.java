package flora.schemas.dataset;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * {@code datasets/{name}/captions/{digest of the file name}.json}: what a person wrote over a
 * caption. It wins over every other caption of the picture, in every version that is made later.
 *
 * @param fileName the picture
 * @param text the caption; null = the edit is taken back, and the picture has the caption it would
 *     have had without it
 * @param at when
 */
public record CaptionEdit(String fileName, @Nullable String text, Instant at) {}
