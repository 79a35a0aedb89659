/**
 * One class that must live beside the engine's native calls, because they are package-private
 * there. Everything else of ours is below {@code flora}.
 */
@NullMarked
package ai.djl.pytorch.jni;

import org.jspecify.annotations.NullMarked;
