package flora.schemas.training;

import flora.schemas.store.ObjectRef;

/**
 * A file that a run leaves behind.
 *
 * @param name its name within the run, as in {@code adapter/kohya/my_style_lora.safetensors}
 * @param object where it lies
 */
public record Artifact(String name, ObjectRef object) {}
