package flora.hub.archive;

/**
 * What a revision stands for in the store.
 *
 * @param revision a branch or tag
 * @param commit whose manifest lies in the store
 */
public record Ref(String revision, String commit) {}
