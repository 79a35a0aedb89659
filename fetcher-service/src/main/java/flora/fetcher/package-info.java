/**
 * The fetch stage: every repository that a run names goes from its hub into the object store,
 * verified. Read {@link flora.fetcher.FetcherFlow} first.
 */
@NullMarked
package flora.fetcher;

import org.jspecify.annotations.NullMarked;
