package flora.tensors.pickle;

/**
 * What a file holds.
 *
 * @param root the pickled object
 * @param storages where its storages lie
 * @param window on the file, which also {@code storages} looks through: what lies behind a header
 *     is often in it
 */
record Contents(Value root, Storages storages, Window window) {}
