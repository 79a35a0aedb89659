package flora.tensors.pickle;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Why a pickled checkpoint was not read: a closed family, each member with its facts.
 *
 * <p>Every message names the file, what stands in it and what to do.
 */
public abstract sealed class PickleException extends RuntimeException {

  private static final String WANTED =
      "; expected a plain state_dict of tensors: choose a revision with .safetensors files, or save"
          + " the weights again with torch.save(model.state_dict(), …)";

  private final String file;

  private PickleException(String file, String message, @Nullable Throwable cause) {
    super(file + " " + message, cause);
    this.file = file;
  }

  /** The name of the file. */
  public String file() {
    return file;
  }

  /** The pickle would import something that is not part of a tensor: perhaps an attack. */
  public static final class ForbiddenGlobal extends PickleException {
    private final String global;

    ForbiddenGlobal(String file, String global, long position) {
      super(
          file,
          "is refused: at byte %d it asks for the global %s, which no tensor needs"
                  .formatted(position, global)
              + WANTED,
          null);
      this.global = global;
    }

    /** What it asked for, such as {@code os.system}. */
    public String global() {
      return global;
    }
  }

  /** The pickle holds an instruction that a checkpoint of tensors does not need. */
  public static final class ForbiddenOpcode extends PickleException {
    private final String opcode;

    ForbiddenOpcode(String file, String opcode, long position, String detail) {
      super(
          file,
          "is refused: the opcode %s at byte %d%s".formatted(opcode, position, detail) + WANTED,
          null);
      this.opcode = opcode;
    }

    /** Its name in Python's {@code pickletools}, or its number. */
    public String opcode() {
      return opcode;
    }
  }

  /** The pickle is larger than any checkpoint: nested deeper, with more entries or longer texts. */
  public static final class TooLarge extends PickleException {
    TooLarge(String file, String what, long limit) {
      super(
          file,
          "is refused: it has more than %d %s, more than any checkpoint needs"
                  .formatted(limit, what)
              + WANTED,
          null);
    }
  }

  /** What is wrong with a malformed file. */
  public enum Defect {
    /** It ends before its content does. */
    TRUNCATED,
    /** The archive's directory contradicts itself or the file. */
    BAD_ARCHIVE,
    /** An entry stands twice. */
    DUPLICATE_ENTRY,
    /** Two entries share bytes. */
    OVERLAP,
    /** An entry's name leads out of the archive, or an id of a storage is no number. */
    BAD_NAME,
    /** The instructions do not fit each other. */
    BAD_PICKLE,
    /** A size, stride or offset is negative, overflows or reaches out of its storage. */
    OUT_OF_BOUNDS,
    /** A storage is missing or has another size than the pickle says. */
    BAD_STORAGE
  }

  /** The bytes are no sound checkpoint: damaged or hostile. */
  public static final class Malformed extends PickleException {
    private final Defect defect;

    Malformed(String file, Defect defect, String detail) {
      super(
          file,
          "is not a sound PyTorch checkpoint: "
              + detail
              + "; fetch it again, or choose a revision with .safetensors files",
          null);
      this.defect = defect;
    }

    /** What is wrong. */
    public Defect defect() {
      return defect;
    }
  }

  /** A checkpoint in a form that is not read, such as TorchScript. */
  public static final class Unsupported extends PickleException {
    Unsupported(String file, String detail) {
      super(file, detail + WANTED, null);
    }
  }

  /** No mapping of names to tensors where one is looked for. */
  public static final class NoTensors extends PickleException {
    NoTensors(String file, String found) {
      super(file, "has no mapping of names to tensors: it holds " + found + WANTED, null);
    }
  }

  /** The source could not be read. */
  public static final class Unreadable extends PickleException {
    Unreadable(String file, IOException cause) {
      super(file, "cannot be read: " + cause.getMessage(), cause);
    }
  }
}
