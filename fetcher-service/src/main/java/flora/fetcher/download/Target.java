package flora.fetcher.download;

import flora.fetcher.download.UploadState.StoredPart;
import flora.hub.HubFile;
import flora.schemas.store.StoreLayout;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * What a large file is fetched into.
 *
 * @param bucket of the object and of the state
 * @param key of the object that the parts are joined to
 * @param stateKey where the state of the upload lies
 * @param size bytes of the file
 * @param partSize bytes of every part but the last
 */
record Target(String bucket, String key, String stateKey, long size, int partSize) {

  /** Where a file of a bucket is fetched into. */
  static Target of(String bucket, HubFile file) {
    var sha256 = file.sha256();
    int partSize = DownloadSettings.partSize(file.size());
    if (sha256 != null) {
      var stateKey = StoreLayout.upload(sha256.hex());
      return new Target(bucket, StoreLayout.blob(sha256), stateKey, file.size(), partSize);
    }
    var gitId = Objects.requireNonNull(file.gitSha1());
    var stateKey = StoreLayout.upload(gitId);
    return new Target(bucket, StoreLayout.staged(gitId), stateKey, file.size(), partSize);
  }

  /** Whether it lies elsewhere than its blob until its digest is known. */
  boolean isStaged() {
    return key.startsWith(StoreLayout.UPLOADS);
  }

  int parts() {
    return Math.toIntExact((size + partSize - 1) / partSize);
  }

  long offset(int number) {
    return (number - 1L) * partSize;
  }

  int size(int number) {
    return (int) Math.min(partSize, size - offset(number));
  }

  /** All parts of an object of which nothing else is known. */
  List<StoredPart> unknownParts() {
    return IntStream.rangeClosed(1, parts())
        .mapToObj(number -> new StoredPart(number, "", size(number), -1, List.of()))
        .toList();
  }
}
