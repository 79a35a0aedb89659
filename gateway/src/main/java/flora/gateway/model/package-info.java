/** Repositories: what would be fetched of them, and what lies in the store. */
@NullMarked
package flora.gateway.model;

import org.jspecify.annotations.NullMarked;
