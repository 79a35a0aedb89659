package flora.schemas;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/**
 * Id of a run and key of its messages: {@code run_} and 26 characters of Crockford's base 32.
 *
 * <p>A new id is a ULID (48 bits of milliseconds, 80 random bits), so ids sort by creation time. A
 * run that a drop of files starts takes its id from what was dropped, so that two gateways that see
 * the same drop mean the same run.
 *
 * @param value the id as it stands in messages, URLs and keys
 */
public record RunId(@JsonValue String value) implements Comparable<RunId> {

  private static final Pattern SHAPE = Pattern.compile("run_[0-9A-HJKMNP-TV-Z]{26}");
  private static final char[] ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray();

  @JsonCreator
  public RunId {
    if (!SHAPE.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "not a run id: expected run_ and 26 characters of base 32");
    }
  }

  /** A fresh id, ordered by the clock. */
  public static RunId next(Clock clock, RandomGenerator random) {
    var id = new char[26];
    long millis = clock.millis();
    for (int i = 9; i >= 0; i--, millis >>>= 5) {
      id[i] = ALPHABET[(int) (millis & 31)];
    }
    for (int i = 10; i < 26; i++) {
      id[i] = ALPHABET[random.nextInt(32)];
    }
    return new RunId("run_" + new String(id));
  }

  /** The id that everybody derives from the same parts: 130 bits of their SHA-256. */
  public static RunId of(String... parts) {
    var digest = sha256();
    for (var part : parts) {
      digest.update(part.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
    }
    var bits = new java.math.BigInteger(1, digest.digest());
    var id = new char[26];
    for (int i = 0; i < 26; i++) {
      id[i] = ALPHABET[bits.shiftRight(5 * i).intValue() & 31];
    }
    // a ULID's first character is 0 to 7; keep that shape
    id[0] = ALPHABET[bits.intValue() & 7];
    return new RunId("run_" + new String(id));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public int compareTo(RunId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
