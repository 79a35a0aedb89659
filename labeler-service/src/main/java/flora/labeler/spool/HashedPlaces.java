package flora.labeler.spool;

import java.util.Arrays;

/**
 * Places in a file by the hash of a key: two arrays of long, sorted when something is looked up.
 */
final class HashedPlaces {

  private long[] hashes = new long[1024];
  private long[] places = new long[1024];
  private int size;
  private int sorted;

  /** 64 bits of FNV-1a over the characters, mixed. */
  static long hash(String key) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < key.length(); i++) {
      hash = (hash ^ key.charAt(i)) * 0x100000001b3L;
    }
    hash ^= hash >>> 32;
    return hash * 0x9e3779b97f4a7c15L;
  }

  void add(long hash, long place) {
    if (size == hashes.length) {
      int more = size + (size >> 1);
      hashes = Arrays.copyOf(hashes, more);
      places = Arrays.copyOf(places, more);
    }
    hashes[size] = hash;
    places[size] = place;
    size++;
  }

  /** The first of the places of a hash, or where it would be. */
  int from(long hash) {
    sort();
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (hashes[middle] < hash) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** One after the last of the places of a hash. */
  int to(long hash) {
    return hash == Long.MAX_VALUE ? size : from(hash + 1);
  }

  /** The n-th of all places, those of a hash in the order in which they were added. */
  long place(int n) {
    return places[n];
  }

  /** Merges ever longer runs: stable, so that equals stay in their order. */
  private void sort() {
    if (sorted == size) {
      return;
    }
    var fromHashes = hashes;
    var fromPlaces = places;
    var toHashes = new long[hashes.length];
    var toPlaces = new long[places.length];
    for (int run = 1; run < size; run *= 2) {
      for (int start = 0; start < size; start += 2 * run) {
        int middle = Math.min(start + run, size);
        int end = Math.min(start + 2 * run, size);
        int left = start;
        int right = middle;
        for (int to = start; to < end; to++) {
          boolean takeLeft =
              left < middle && (right >= end || fromHashes[left] <= fromHashes[right]);
          int from = takeLeft ? left++ : right++;
          toHashes[to] = fromHashes[from];
          toPlaces[to] = fromPlaces[from];
        }
      }
      var hashesBefore = fromHashes;
      var placesBefore = fromPlaces;
      fromHashes = toHashes;
      fromPlaces = toPlaces;
      toHashes = hashesBefore;
      toPlaces = placesBefore;
    }
    hashes = fromHashes;
    places = fromPlaces;
    sorted = size;
  }
}
