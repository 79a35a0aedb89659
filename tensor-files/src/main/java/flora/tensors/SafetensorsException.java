package flora.tensors;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Why a weight file could not be read or written: a closed family, each member with its facts. */
public abstract sealed class SafetensorsException extends RuntimeException {

  private SafetensorsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** What is wrong with a malformed file. */
  public enum Defect {
    /** The file ends before its header or its data do. */
    TRUNCATED,
    /** The header is longer than the format allows (100 MB). */
    HEADER_TOO_LARGE,
    /** The header or index is not a JSON object of the expected form. */
    HEADER_NOT_JSON,
    /** A key stands twice. */
    DUPLICATE_KEY,
    /** An element type that the format does not know. */
    UNKNOWN_DTYPE,
    /** A negative or fractional extent or offset, or a product beyond 2^63. */
    BAD_NUMBER,
    /** The byte range does not fit the shape and type. */
    WRONG_SIZE,
    /** Two tensors overlap. */
    OVERLAP,
    /** Bytes that belong to no tensor. */
    HOLE,
    /** An index names a file outside its own folder. */
    PATH_OUTSIDE
  }

  /** The bytes are not a safetensors file (or index): damaged, hostile or of another format. */
  public static final class Malformed extends SafetensorsException {
    private final Path path;
    private final Defect defect;

    Malformed(Path path, Defect defect, String detail) {
      super(path.getFileName() + " is not a valid safetensors file: " + detail, null);
      this.path = path;
      this.defect = defect;
    }

    /** The file. */
    public Path path() {
      return path;
    }

    /** What is wrong. */
    public Defect defect() {
      return defect;
    }
  }

  /** No tensor of that name. */
  public static final class TensorMissing extends SafetensorsException {
    private final String tensor;

    TensorMissing(Path path, String tensor, String nearest) {
      super(
          "%s has no tensor %s%s"
              .formatted(path.getFileName(), tensor, nearest.isEmpty() ? "" : "; near: " + nearest),
          null);
      this.tensor = tensor;
    }

    /** The name that was asked for. */
    public String tensor() {
      return tensor;
    }
  }

  /** No weight file, or a file that an index names is not there. */
  public static final class FileMissing extends SafetensorsException {
    private final Path path;

    FileMissing(Path path, String expected) {
      super(path + " is missing: " + expected, null);
      this.path = path;
    }

    /** What was looked for. */
    public Path path() {
      return path;
    }
  }

  /** A folder with several weight files and nothing that says which. */
  public static final class Ambiguous extends SafetensorsException {
    private final List<String> files;

    Ambiguous(Path folder, List<String> files) {
      super(
          folder + " holds several weight files, name one of them: " + String.join(", ", files),
          null);
      this.files = List.copyOf(files);
    }

    /** The candidates. */
    public List<String> files() {
      return files;
    }
  }

  /** The operating system refused to read or write. */
  public static final class Unreadable extends SafetensorsException {
    Unreadable(Path path, IOException cause) {
      super(path + " cannot be read or written: " + cause.getMessage(), cause);
    }
  }
}
