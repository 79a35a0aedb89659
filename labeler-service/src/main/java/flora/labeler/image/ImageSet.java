package flora.labeler.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import flora.labeler.spool.FileIndex;
import flora.labeler.spool.WorkFolder;
import flora.schemas.Sha256;
import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.DatasetListing;
import flora.schemas.dataset.MetadataCsv;
import flora.schemas.dataset.MetadataJsonl;
import flora.schemas.dataset.PictureNames;
import flora.schemas.fetch.Snapshot;
import flora.store.ObjectStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.text.Normalizer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The pictures of a dataset in the order of their names, each with what came with it: a row of a
 * {@code metadata.csv} or {@code metadata.jsonl} in its folder or above, of which the nearest
 * counts, and of two side by side the one that was written last, or else the {@code .txt} or {@code
 * .caption} file of the same name. Files of other kinds and hidden ones are left alone. What is
 * known of the pictures lies on disk, so that memory does not grow with them.
 */
public final class ImageSet {

  /** Of two in a folder that were written together the later counts. */
  private static final List<String> TABLES = List.of("metadata.jsonl", "metadata.csv");

  /** The former of two counts. */
  private static final List<String> SIDECARS = List.of("txt", "caption");

  private static final long MAX_SIDECAR = 64L << 10;
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private final ObjectStore store;
  private final String dataset;
  private final FileIndex<Picture> pictures;
  private final FileIndex<Picture>.Lookup byName;
  private final FileIndex<DatasetFile> sidecars;
  private final FileIndex<DatasetFile>.Lookup sidecarByName;
  private final FileIndex<CaptionRow> rows;
  private final FileIndex<CaptionRow>.Lookup rowByName;
  private final List<DatasetFile> tables = new ArrayList<>();
  private final SortedSet<String> missing = new TreeSet<>();
  private final DatasetListing listing = new DatasetListing();
  private Sha256 digest = Sha256.sum(new byte[0]);

  private ImageSet(ObjectStore store, String dataset, WorkFolder work) {
    this.store = store;
    this.dataset = dataset;
    this.pictures = work.index(Picture.class);
    this.byName = pictures.by(p -> composed(p.fileName()));
    this.sidecars = work.index(DatasetFile.class);
    this.sidecarByName = sidecars.by(f -> composed(stem(f.name()) + "." + extension(f.name())));
    this.rows = work.index(CaptionRow.class);
    this.rowByName = rows.by(CaptionRow::fileName);
  }

  /**
   * What was dropped or uploaded under a dataset's name.
   *
   * @throws DatasetException when nothing was, or no picture
   */
  public static ImageSet incoming(ObjectStore store, String dataset, WorkFolder work) {
    var set = new ImageSet(store, dataset, work);
    DatasetFile.incoming(store, dataset, set::add);
    return set.finish();
  }

  /**
   * A dataset repository that was fetched from a hub.
   *
   * @throws DatasetException when no picture is in it
   */
  public static ImageSet fetched(
      ObjectStore store, String dataset, Snapshot snapshot, WorkFolder work) {
    var set = new ImageSet(store, dataset, work);
    DatasetFile.fetched(store, snapshot, set::add);
    return set.finish();
  }

  /** The pictures, by name. */
  public Iterable<Picture> pictures() {
    return pictures;
  }

  /** How many pictures there are. */
  public long size() {
    return pictures.size();
  }

  /** What a table names and nobody uploaded. */
  public SortedSet<String> missing() {
    return missing;
  }

  /** Digest of everything that was listed. */
  public Sha256 listing() {
    return digest;
  }

  /** What a table says of a picture; null where none does. */
  public @Nullable CaptionRow row(Picture picture) {
    return rows.size() == 0 ? null : rowByName.last(picture.fileName()).orElse(null);
  }

  /** The file whose text came beside a picture; null where none did. */
  public @Nullable DatasetFile sidecar(Picture picture) {
    if (sidecars.size() == 0) {
      return null;
    }
    // of a.png and a.jpg only one can have the a.txt for itself
    for (var name : List.of(picture.fileName(), stem(picture.fileName()))) {
      for (var extension : SIDECARS) {
        var file = sidecarByName.first(composed(name + "." + extension));
        if (file.isPresent()) {
          return file.get();
        }
      }
    }
    return null;
  }

  /**
   * What stands in such a file.
   *
   * @param text the caption; empty when the file was taken away
   * @param problem why it cannot be read; null when it can
   */
  public record Text(String text, @Nullable String problem) {

    /** There is none. */
    public static final Text NONE = new Text("", null);
  }

  /** The text of such a file, asked of the store; from any thread. */
  public static Text text(ObjectStore store, DatasetFile sidecar) {
    if (sidecar.size() > MAX_SIDECAR) {
      return new Text(
          "",
          "its caption %s has %d bytes, at most %d"
              .formatted(sidecar.name(), sidecar.size(), MAX_SIDECAR));
    }
    var stored = store.read(sidecar.bucket(), sidecar.key());
    if (stored.isEmpty()) {
      return Text.NONE;
    }
    try {
      var text = UTF_8.newDecoder().decode(ByteBuffer.wrap(stored.get().bytes())).toString();
      return new Text(text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text, null);
    } catch (CharacterCodingException e) {
      return new Text("", "its caption %s is not UTF-8; save it so".formatted(sidecar.name()));
    }
  }

  private void add(DatasetFile file) {
    listing.add(file.key(), file.size(), file.etag() == null ? "" : file.etag());
    if (isHidden(file.name())) {
      return;
    }
    var extension = extension(file.name());
    if (PictureNames.isOne(file.name())) {
      pictures.add(
          new Picture(
              file.name(), file.bucket(), file.key(), file.size(), file.etag(), file.sha256()));
    } else if (SIDECARS.contains(extension)) {
      sidecars.add(file);
    } else if (TABLES.contains(lastPart(file.name()))) {
      tables.add(file);
    }
  }

  private ImageSet finish() {
    if (listing.files() == 0) {
      throw new DatasetException.NotFound(dataset);
    }
    if (pictures.size() == 0) {
      throw new DatasetException.Empty(
          dataset, "none of its %d files is a picture".formatted(listing.files()));
    }
    digest = listing.finish();
    tables.sort(
        Comparator.<DatasetFile>comparingLong(t -> t.name().chars().filter(c -> c == '/').count())
            .thenComparing(t -> Objects.requireNonNullElse(t.written(), Instant.EPOCH))
            .thenComparing(t -> TABLES.indexOf(lastPart(t.name()))));
    tables.forEach(this::read);
    return this;
  }

  /** A name in a table counts from the table's folder. */
  private void read(DatasetFile table) {
    var last = lastPart(table.name());
    var folder = table.name().substring(0, table.name().length() - last.length());
    // bytes that are no UTF-8 would become captions that nobody wrote
    try (var in =
        new BufferedReader(
            new InputStreamReader(store.open(table.bucket(), table.key()), UTF_8.newDecoder()))) {
      Stream<CaptionRow> read =
          last.equals("metadata.csv") ? MetadataCsv.stream(in) : MetadataJsonl.read(in);
      Consumer<CaptionRow> place =
          row -> {
            var name = resolve(folder, row.fileName());
            if (name == null) {
              missing.add(folder + row.fileName());
            } else {
              rows.add(new CaptionRow(name, row.text(), row.label()));
            }
          };
      read.forEach(place);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + table.key(), e);
    } catch (UncheckedIOException e) {
      throw e.getCause() instanceof CharacterCodingException
          ? new DatasetException.NotUnicode(dataset, table.name())
          : e;
    }
  }

  /**
   * The picture that a table means: as written, or as a path from the table's folder, by slashes of
   * either kind; or, when that is not there, by the last parts of what is written, as many as can
   * be, since tables are moved and some name whole paths.
   */
  private @Nullable String resolve(String folder, String written) {
    var exact = find(folder + written);
    if (exact != null) {
      return exact;
    }
    var path = new ArrayList<String>();
    var parts = List.of(written.split("[/\\\\]+"));
    for (var part : (folder + String.join("/", parts)).split("/")) {
      if (part.equals("..") && !path.isEmpty()) {
        path.removeLast();
      } else if (!part.equals(".") && !part.isEmpty()) {
        path.add(part);
      }
    }
    var found = find(String.join("/", path));
    for (int from = 1; found == null && from < parts.size(); from++) {
      found = find(folder + String.join("/", parts.subList(from, parts.size())));
    }
    return found;
  }

  /** The picture of a name, or else of one that only composes its letters otherwise. */
  private @Nullable String find(String name) {
    String alike = null;
    for (var picture : byName.all(composed(name))) {
      if (picture.fileName().equals(name)) {
        return name;
      }
      alike = alike == null ? picture.fileName() : alike;
    }
    return alike;
  }

  /** macOS writes é as e and an accent, and a table that was written elsewhere does not. */
  private static String composed(String name) {
    return Normalizer.normalize(name, Normalizer.Form.NFC);
  }

  /** What systems and programs leave beside pictures. */
  private static boolean isHidden(String name) {
    for (var part : name.split("/")) {
      if (part.startsWith(".") || part.equals("__MACOSX")) {
        return true;
      }
    }
    return false;
  }

  private static String lastPart(String name) {
    return name.substring(name.lastIndexOf('/') + 1);
  }

  private static String stem(String name) {
    int dot = name.lastIndexOf('.');
    return dot > name.lastIndexOf('/') ? name.substring(0, dot) : name;
  }

  private static String extension(String name) {
    int dot = name.lastIndexOf('.');
    return dot > name.lastIndexOf('/') ? name.substring(dot + 1).toLowerCase(Locale.ROOT) : "";
  }
}
