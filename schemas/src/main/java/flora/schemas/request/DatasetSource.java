package flora.schemas.request;

import org.jspecify.annotations.Nullable;

/**
 * The pictures of a run: a dataset of the store, or one of a hub.
 *
 * @param name of the dataset in the store; for a hub's dataset the name it gets there
 * @param hub {@code owner/name[@revision]} of a dataset repository, instead of uploaded pictures
 * @param label how captions are made
 */
public record DatasetSource(String name, @Nullable String hub, LabelOptions label) {}
