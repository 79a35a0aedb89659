package flora.labeler.image;

import flora.schemas.Json;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.Snapshot;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The pictures of a dataset in the order of their names, each with the caption that came with it: a
 * line of the {@code metadata.csv} in its folder or above, or else the {@code .txt} file of the
 * same name. Files of other kinds are left alone.
 *
 * @param pictures what to look at
 * @param missing what a {@code metadata.csv} names and nobody uploaded
 */
public record ImageSet(List<Picture> pictures, List<Rejected> missing) {

  /** What people mean by a picture; a kind that cannot be decoded is rejected by name, not lost. */
  private static final Set<String> EXTENSIONS =
      Set.of(
          "jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "tif", "tiff", "webp", "avif", "heic");

  private static final String METADATA = "metadata.csv";
  private static final long MAX_METADATA = 256L << 20;
  private static final long MAX_SIDECAR = 64L << 10;

  public ImageSet {
    pictures = List.copyOf(pictures);
    missing = List.copyOf(missing);
  }

  /** Where a file of the dataset lies. */
  private record Place(String bucket, String key, long size) {}

  /**
   * What was dropped or uploaded under a dataset's name.
   *
   * @throws DatasetException when nothing was, or no picture
   */
  public static ImageSet incoming(ObjectStore store, String dataset) {
    var folder = StoreLayout.incoming(dataset);
    var files = new TreeMap<String, Place>();
    try (var objects = store.list(StoreLayout.DATASETS, folder)) {
      objects.forEach(
          o ->
              files.put(
                  o.key().substring(folder.length()), new Place(o.bucket(), o.key(), o.size())));
    }
    if (files.isEmpty()) {
      throw new DatasetException.NotFound(dataset);
    }
    return of(store, dataset, files);
  }

  /**
   * A dataset repository that was fetched from a hub.
   *
   * @throws DatasetException when no picture is in it
   */
  public static ImageSet fetched(ObjectStore store, String dataset, Snapshot snapshot) {
    var reference = snapshot.manifest();
    var stored =
        store
            .read(reference.bucket(), reference.key())
            .orElseThrow(
                () -> new ObjectStoreException.NotFound(reference.bucket(), reference.key()));
    var files = new TreeMap<String, Place>();
    for (var file : Json.read(stored.bytes(), RepoManifest.class).files()) {
      files.put(
          file.path(), new Place(reference.bucket(), StoreLayout.blob(file.sha256()), file.size()));
    }
    return of(store, dataset, files);
  }

  private static ImageSet of(ObjectStore store, String dataset, TreeMap<String, Place> files) {
    var captions = tables(store, files);
    var pictures = new ArrayList<Picture>();
    files.forEach(
        (name, place) -> {
          if (EXTENSIONS.contains(extension(name)) && place.size() > 0) {
            var caption = captions.remove(name);
            pictures.add(
                new Picture(
                    name,
                    place.bucket(),
                    place.key(),
                    place.size(),
                    caption != null ? caption : sidecar(store, files, name)));
          }
        });
    if (pictures.isEmpty()) {
      throw new DatasetException.Empty(
          dataset, "none of its %d files is a picture".formatted(files.size()));
    }
    var missing =
        captions.keySet().stream()
            .sorted()
            .map(name -> new Rejected(name, "metadata.csv names it, but it is not in the dataset"))
            .toList();
    return new ImageSet(pictures, missing);
  }

  /** Captions by file name, from every table; a name counts from its table's folder. */
  private static Map<String, String> tables(ObjectStore store, TreeMap<String, Place> files) {
    var captions = new HashMap<String, String>();
    files.forEach(
        (path, place) -> {
          if (path.equals(METADATA) || path.endsWith("/" + METADATA)) {
            var folder = path.substring(0, path.length() - METADATA.length());
            var table = text(store, place, MAX_METADATA);
            for (var row : MetadataCsv.read(table == null ? "" : table)) {
              captions.put(resolve(folder, row.fileName(), files), row.text());
            }
          }
        });
    return captions;
  }

  /** The file that a table means: as written, or, when that is not there, of the same last part. */
  private static String resolve(String folder, String written, TreeMap<String, Place> files) {
    var name = folder + (written.startsWith("./") ? written.substring(2) : written);
    if (files.containsKey(name)) {
      return name;
    }
    var parts = written.split("[/\\\\]+");
    var last = folder + (parts.length == 0 ? written : parts[parts.length - 1]);
    return files.containsKey(last) ? last : name;
  }

  private static @Nullable String sidecar(
      ObjectStore store, TreeMap<String, Place> files, String picture) {
    var place = files.get(picture.substring(0, picture.lastIndexOf('.')) + ".txt");
    return place == null ? null : text(store, place, MAX_SIDECAR);
  }

  private static @Nullable String text(ObjectStore store, Place place, long limit) {
    if (place.size() > limit) {
      return null;
    }
    return store
        .read(place.bucket(), place.key())
        .map(s -> new String(s.bytes(), StandardCharsets.UTF_8))
        .orElse(null);
  }

  private static String extension(String name) {
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }
}
