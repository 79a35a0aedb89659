package flora.trainer;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.AdapterReference;
import flora.schemas.run.Head;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * The adapter that a training begins with, brought here from the store.
 *
 * @param file holds it
 * @param digest of the file
 */
record InitAdapter(Path file, Sha256 digest) {

  private static final String KOHYA = "adapter/kohya/";

  /**
   * Fetches it.
   *
   * @param folder an empty one
   * @throws TrainerException.AdapterMissing when it is not there
   */
  static InitAdapter fetch(String reference, ObjectStore store, Path folder) {
    var found =
        switch (AdapterReference.parse(reference)) {
          case AdapterReference.Stored stored -> stored;
          case AdapterReference.OfRun(var run) -> {
            var head =
                store
                    .read(StoreLayout.RUNS, StoreLayout.head(run))
                    .map(stored -> Json.read(stored.bytes(), Head.class));
            yield head.map(Head::train).stream()
                .flatMap(done -> done.artifacts().stream())
                .filter(artifact -> artifact.name().startsWith(KOHYA))
                .map(a -> new AdapterReference.Stored(a.object().bucket(), a.object().key()))
                .findFirst()
                .orElseThrow(
                    () -> new TrainerException.AdapterMissing(reference + " has exported none"));
          }
        };
    if (store.head(found.bucket(), found.key()).isEmpty()) {
      throw new TrainerException.AdapterMissing(
          "there is no %s in %s".formatted(found.key(), found.bucket()));
    }
    var file = folder.resolve("init.safetensors");
    var digest = sha256();
    try (var in = new DigestInputStream(store.open(found.bucket(), found.key()), digest)) {
      Files.copy(in, file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new InitAdapter(file, Sha256.of(digest.digest()));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
