package flora.schemas.request;

import flora.schemas.Names;
import flora.schemas.document.DocumentException;
import flora.schemas.document.JsonDocument;
import flora.schemas.document.Node;
import flora.schemas.document.TomlDocument;
import flora.schemas.document.YamlDocument;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads run requests. JSON and YAML hold the canonical form (parts {@code model}, {@code dataset},
 * {@code train}), the flat form of many guides ({@code base_model}, {@code train_data_dir}, … at
 * the top), or both where they do not contradict each other; which keys stand there says which it
 * is.
 *
 * <p>Pure and thread-safe. Everything wrong is a {@link RequestException}.
 */
public final class RequestReader {

  private RequestReader() {}

  /** Reads a request: TOML in kohya's dialect, all else in Flora's own. */
  public static EffectiveRequest read(byte[] document, ContentKind kind) {
    return read(document, kind, null);
  }

  /**
   * Reads a request.
   *
   * @param dialect whose names the keys have, {@code flora}, {@code kohya} or {@code diffusers};
   *     null = kohya's in TOML, else Flora's
   */
  public static EffectiveRequest read(byte[] document, ContentKind kind, @Nullable String dialect) {
    return read(document, kind, dialect, null);
  }

  /**
   * Reads a request.
   *
   * @param baseModel stands in place of the model that the document names; null = that one
   */
  public static EffectiveRequest read(
      byte[] document, ContentKind kind, @Nullable String dialect, @Nullable String baseModel) {
    var given = GivenKeys.of(fields(parse(document, kind)), Dialect.of(kind, dialect));
    if (baseModel != null) {
      given.replace(RequestKey.BASE_MODEL, baseModel);
    }
    return assemble(given, null);
  }

  /** The paths that a request names; parameters and failures as of {@link #read}. */
  public static GivenPaths paths(byte[] document, ContentKind kind, @Nullable String dialect) {
    var given = GivenKeys.of(fields(parse(document, kind)), Dialect.of(kind, dialect));
    var base = given.text(RequestKey.BASE_MODEL);
    boolean onDisk = base != null && (given.dialect() != Dialect.FLORA || References.isPath(base));
    return new GivenPaths(
        given.text(RequestKey.TRAIN_DATA_DIR),
        given.text(RequestKey.METADATA_PATH),
        given.text(RequestKey.OUTPUT_DIR),
        onDisk ? base : null);
  }

  /**
   * Reads the {@code flora.yaml} of a dropped folder, which may be empty: its dataset is the
   * folder.
   *
   * @param folder the dataset's name
   */
  public static EffectiveRequest readDropped(byte[] document, ContentKind kind, String folder) {
    return assemble(GivenKeys.of(fields(parse(document, kind))), checked(folder));
  }

  /** What a dropped folder without a request asks for: to be labelled with the defaults. */
  public static EffectiveRequest dropped(String folder) {
    return assemble(GivenKeys.of(new Node.Fields(new LinkedHashMap<>())), checked(folder));
  }

  /**
   * The dataset that a {@code train_data_dir} names: its last part.
   *
   * @throws RequestException when that is not a name
   */
  public static String datasetName(String trainDataDir) {
    return References.checkedName(
        "train_data_dir", "/train_data_dir", References.lastPart(trainDataDir));
  }

  private static EffectiveRequest assemble(GivenKeys given, @Nullable String folder) {
    return new RequestAssembly(given, folder).assemble();
  }

  private static Node parse(byte[] document, ContentKind kind) {
    try {
      return switch (kind) {
        case JSON -> JsonDocument.read(document);
        case YAML -> YamlDocument.read(document);
        case TOML -> TomlDocument.read(document);
      };
    } catch (DocumentException e) {
      throw RequestException.invalid(
          e.pointer(), String.valueOf(e.getMessage()), "send one plain YAML, JSON or TOML object");
    }
  }

  private static Node.Fields fields(Node document) {
    if (document.isNull()) {
      return new Node.Fields(new LinkedHashMap<>());
    }
    if (document instanceof Node.Fields fields) {
      return fields;
    }
    throw RequestException.invalid(
        "", "a run request is an object, not " + Shape.shown(document), null);
  }

  private static String checked(String folder) {
    if (!Names.isSafe(folder)) {
      throw RequestException.invalid(
          "", "the folder's name is not " + Names.RULE, "give it such a name");
    }
    return folder;
  }
}
