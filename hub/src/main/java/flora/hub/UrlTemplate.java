package flora.hub;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import okhttp3.HttpUrl;

/**
 * The address of a page or file with variables in braces: {@code
 * https://mirror.example/hugging-face/{type}/{id}/{path}}. Values are percent-encoded; the slashes
 * of an id and of a path stay.
 *
 * @param text the template
 */
public record UrlTemplate(String text) {

  /** Variables of an address of pages. */
  public static final Set<String> OF_PAGES = Set.of("type_prefix", "type", "id", "owner", "name");

  /** Variables of an address of files. */
  public static final Set<String> OF_FILES =
      Set.of("type_prefix", "type", "id", "owner", "name", "revision", "path");

  private static final Pattern VARIABLE = Pattern.compile("\\{([^{}]*)}");
  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

  /**
   * Checks a template.
   *
   * @param field how the property is called, for the message
   * @throws IllegalArgumentException when it names unknown variables, lacks one or is no URL
   */
  public static UrlTemplate parse(String field, String text, Set<String> allowed, String needed) {
    var matcher = VARIABLE.matcher(text);
    while (matcher.find()) {
      if (!allowed.contains(matcher.group(1))) {
        throw new IllegalArgumentException(
            "%s has the variable {%s}: expected some of %s"
                .formatted(
                    field,
                    matcher.group(1),
                    allowed.stream().sorted().collect(Collectors.joining("}, {", "{", "}"))));
      }
    }
    boolean named = text.contains("{id}") || (text.contains("{owner}") && text.contains("{name}"));
    boolean isOfPages = needed.equals("{id}");
    if (!named || !(isOfPages || text.contains(needed))) {
      throw new IllegalArgumentException(
          "%s lacks a variable: expected {id} (or {owner} and {name})%s, as in"
                  .formatted(field, isOfPages ? "" : " and " + needed)
              + " https://mirror.example/models/{id}/{path}");
    }
    if (HttpUrl.parse(VARIABLE.matcher(text).replaceAll("x")) == null) {
      throw new IllegalArgumentException(
          field + " is no address: expected http(s)://host[:port]/… with variables");
    }
    return new UrlTemplate(text);
  }

  /** The address for these values. */
  HttpUrl expand(Map<String, String> values) {
    var filled =
        VARIABLE
            .matcher(text)
            .replaceAll(
                found -> {
                  var name = found.group(1);
                  var value = values.getOrDefault(name, "");
                  boolean keep = !name.equals("revision") && !name.equals("owner");
                  return Matcher.quoteReplacement(encoded(value, keep));
                });
    return HttpUrl.get(filled);
  }

  /** The variables of a repository. */
  static Map<String, String> values(RepoType type, String id, String revision, String path) {
    int slash = id.indexOf('/');
    return Map.of(
        "type_prefix",
        type.prefix().isEmpty() ? "" : type.prefix() + "/",
        "type",
        type.api(),
        "id",
        id,
        "owner",
        slash < 0 ? "" : id.substring(0, slash),
        "name",
        id.substring(slash + 1),
        "revision",
        revision,
        "path",
        path);
  }

  private static String encoded(String value, boolean keepSlashes) {
    if (keepSlashes) {
      return Arrays.stream(value.split("/", -1))
          .map(part -> encoded(part, false))
          .collect(Collectors.joining("/"));
    }
    var text = new StringBuilder();
    for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
      if (UNRESERVED.indexOf((char) (b & 0xff)) >= 0) {
        text.append((char) b);
      } else {
        text.append("%%%02X".formatted(b & 0xff));
      }
    }
    return text.toString();
  }
}
