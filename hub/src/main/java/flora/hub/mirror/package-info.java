/**
 * Where else than at the hub a repository can be had, and how well: {@link
 * flora.hub.mirror.Mirrors} knows the places, asks them and keeps their health. Whatever they say,
 * what counts is the digest of the bytes.
 */
@NullMarked
package flora.hub.mirror;

import org.jspecify.annotations.NullMarked;
