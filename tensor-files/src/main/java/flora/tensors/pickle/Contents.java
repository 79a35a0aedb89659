package flora.tensors.pickle;

/**
 * What a file holds.
 *
 * @param root the pickled object
 * @param storages where its storages lie
 */
record Contents(Value root, Storages storages) {}
