package flora.models;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Why a model, its files or its input cannot be used: a closed family, each member with its facts.
 */
public abstract sealed class ModelException extends RuntimeException {

  private ModelException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** A configuration asks for something that this program does not do. */
  public static final class Unsupported extends ModelException {
    private final String key;

    public Unsupported(Path file, String key, Object value, String supported) {
      super("%s: %s = %s is not supported; %s".formatted(file, key, value, supported), null);
      this.key = key;
    }

    /** The key in the file. */
    public String key() {
      return key;
    }
  }

  /** A configuration or vocabulary file is damaged, or a value is missing or of the wrong kind. */
  public static final class ConfigInvalid extends ModelException {
    public ConfigInvalid(Path file, String problem) {
      super(file + ": " + problem, null);
    }
  }

  /** A file that the model needs is not there. */
  public static final class FileMissing extends ModelException {
    public FileMissing(Path file, String purpose) {
      super("%s is missing: %s".formatted(file, purpose), null);
    }
  }

  /** The weights do not fit the network that the configuration describes. */
  public static final class WeightsMismatch extends ModelException {
    public WeightsMismatch(String message) {
      super(message, null);
    }
  }

  /** Names of layers to adapt that match nothing in the network. */
  public static final class TargetsUnknown extends ModelException {
    public TargetsUnknown(String message) {
      super(message, null);
    }
  }

  /** A picture that cannot be decoded; {@link #reason()} says why in one word. */
  public static final class ImageUnreadable extends ModelException {

    /** The kinds of unreadable pictures. */
    public enum Reason {
      /** Not a picture, or of a format that is not supported. */
      FORMAT,
      /** The bytes end too early. */
      TRUNCATED,
      /** A checksum or the compressed data are wrong. */
      CORRUPT,
      /** More pixels than the limit, or other sizes beyond all use. */
      TOO_LARGE,
      /** Decoding took longer than it may. */
      TOO_SLOW,
      /** Several pictures in one file, and that was to be refused. */
      ANIMATED
    }

    private final Reason reason;

    public ImageUnreadable(Reason reason, String detail) {
      super(detail, null);
      this.reason = reason;
    }

    /** Why. */
    public Reason reason() {
      return reason;
    }
  }

  /** The operating system refused to read a file. */
  public static final class Unreadable extends ModelException {
    public Unreadable(Path file, IOException cause) {
      super(file + " cannot be read: " + cause.getMessage(), cause);
    }
  }
}
