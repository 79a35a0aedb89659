package flora.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Tells the bytes that were asked for from everything else that comes with a success status: pages
 * for people, errors in JSON, pointers of git-lfs, other versions, other ranges.
 */
final class FileAnswers {

  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");
  private static final String POINTER = "version https://git-lfs.github.com/spec/v1";
  private static final int PEEK = 512;

  private FileAnswers() {}

  /**
   * The stream of the range that was asked for.
   *
   * @param who gave the answer
   * @throws HubException.OtherFile for another version, a pointer, another length
   * @throws HubException.Protocol for what is no file at all
   */
  static FileStream stream(
      HubHttp.Answer answer, String who, RepoListing listing, HubFile file, long from, long to)
      throws InterruptedException {
    var response = answer.response();
    rejectPage(response, who, file);
    var range = CONTENT_RANGE.matcher(header(response, "Content-Range"));
    boolean isPart = range.matches();
    var total = total(response, isPart ? range.group(3) : null);
    var said = total.isPresent() ? total : answer.facts().size();
    if (said.isPresent() && said.getAsLong() != file.size()) {
      throw other(who, listing, file, what(response, who, said.getAsLong(), file.size()));
    }
    if (total.isEmpty() && !isPart) {
      var found = disguise(head(response, who), file);
      if (found != null) {
        throw other(who, listing, file, found);
      }
    }
    // some servers send the part with status 200, others leave Content-Range out: its numbers count
    long start = isPart ? Long.parseLong(range.group(1)) : 0;
    if (!isPart && response.code() == 206) {
      if (response.body().contentLength() != to - from) {
        throw new HubException.Protocol(who, "a part of a file that does not say which part");
      }
      start = from;
    }
    if (isPart && Long.parseLong(range.group(2)) < from) {
      throw new HubException.Protocol(
          who, "a range that ends before byte %d, which was asked for".formatted(from));
    }
    if (start > from) {
      throw new HubException.Protocol(
          who, "another range than was asked for: bytes from %d, not %d".formatted(start, from));
    }
    boolean isWhole = !isPart && response.code() != 206;
    boolean ignored = isWhole && (from > 0 || to < file.size());
    var stream = new FileStream(answer, who, total, to - from, ignored);
    stream.goOn(from - start, to - from);
    return stream;
  }

  /** What a 416 means: the range lay within the listed size, so the file there is a shorter one. */
  static HubException outOfRange(Response response, String who, RepoListing listing, HubFile file) {
    var length = header(response, "Content-Range").replaceFirst("^bytes \\*/", "");
    return other(
        who,
        listing,
        file,
        length.matches("\\d+")
            ? "it has %s bytes there, but %d are listed".formatted(length, file.size())
            : "it is shorter there than the %d bytes that are listed".formatted(file.size()));
  }

  private static void rejectPage(Response response, String who, HubFile file) {
    var type = header(response, "Content-Type");
    var path = file.path().toLowerCase(Locale.ROOT);
    if (type.startsWith("text/html") && !path.endsWith(".html") && !path.endsWith(".htm")) {
      throw new HubException.Protocol(who, "an HTML page in place of " + file.path());
    }
    if (type.startsWith("multipart/byteranges")) {
      throw new HubException.Protocol(who, "several ranges where one was asked for");
    }
    var encoding = header(response, "Content-Encoding");
    if (!encoding.isEmpty() && !encoding.equalsIgnoreCase("identity")) {
      throw new HubException.Protocol(who, file.path() + " compressed, which was not asked for");
    }
  }

  private static String what(Response response, String who, long total, long listed)
      throws InterruptedException {
    var head = response.code() == 200 && total <= 1 << 20 ? head(response, who) : "";
    if (head.startsWith(POINTER)) {
      return "the pointer of a large file, not the file";
    }
    if (isJsonError(head)) {
      return "an error in JSON";
    }
    return "it has %d bytes there, but %d are listed".formatted(total, listed);
  }

  private static @Nullable String disguise(String head, HubFile file) {
    if (head.startsWith(POINTER) && file.size() > PEEK) {
      return "the pointer of a large file, not the file";
    }
    if (isJsonError(head) && !file.path().endsWith(".json")) {
      return "an error in JSON";
    }
    var start = head.stripLeading().toLowerCase(Locale.ROOT);
    boolean isText = file.path().matches("(?i).*\\.(html?|md|txt|xml|svg)");
    return !isText && (start.startsWith("<!doctype html") || start.startsWith("<html"))
        ? "an HTML page"
        : null;
  }

  private static boolean isJsonError(String head) {
    return head.matches("(?s)\\s*\\{\\s*\"(?:error|Code|code|detail|message)\".*");
  }

  private static String head(Response response, String who) throws InterruptedException {
    try {
      return response.peekBody(PEEK).source().readString(StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw HubHttp.unreachable(who, response.request().url().host(), e);
    }
  }

  private static HubException.OtherFile other(
      String who, RepoListing listing, HubFile file, String what) {
    return new HubException.OtherFile(who, listing.repo(), file.path(), what);
  }

  private static String header(Response response, String name) {
    var value = response.header(name);
    return value == null ? "" : value;
  }

  private static OptionalLong total(Response response, @Nullable String ofRange) {
    if (ofRange != null) {
      return ofRange.equals("*") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(ofRange));
    }
    long length = response.body().contentLength();
    return length < 0 || response.code() == 206 ? OptionalLong.empty() : OptionalLong.of(length);
  }
}
