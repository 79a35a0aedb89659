package flora.hub.mirror;

import flora.store.Secret;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Values of a mirror's headers and its token: {@code ${NAME}} stands for a variable of the
 * service's environment. Whoever may add mirrors through the API must not be able to send himself
 * any variable he likes: for those mirrors only names that begin with {@value #PREFIX} count.
 */
final class Secrets {

  /** What the variables of mirrors made through the API begin with. */
  static final String PREFIX = "FLORA_MIRROR_";

  private static final Pattern REFERENCE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
  private static final Pattern SENSITIVE =
      Pattern.compile("authorization|cookie|token|secret|password|passwd|key|credential");

  private final Function<String, @Nullable String> environment;

  Secrets(Function<String, @Nullable String> environment) {
    this.environment = environment;
  }

  /** Whether a value has no words of its own besides what comes before a reference. */
  static boolean isReference(String value) {
    return value.matches("(?:[A-Za-z]{1,16} )?\\$\\{[A-Za-z_][A-Za-z0-9_]*}");
  }

  /**
   * Checks a mirror that is to be kept in the store.
   *
   * @throws MirrorException.Invalid for a secret in clear, or a variable that it may not have
   */
  static void requireStorable(Mirror mirror) {
    mirror
        .headers()
        .forEach(
            (header, value) -> {
              boolean sensitive = SENSITIVE.matcher(header.toLowerCase(Locale.ROOT)).find();
              if (sensitive && !isReference(value)) {
                throw new MirrorException.Invalid(
                    "headers." + header + " looks like a secret and would be kept in clear",
                    "write ${%sSOMETHING} and set that variable where the services run"
                        .formatted(PREFIX));
              }
              var reference = REFERENCE.matcher(value);
              while (reference.find()) {
                requirePrefix("headers." + header, reference.group(1));
              }
            });
    var token = mirror.token();
    if (token != null) {
      requirePrefix("token", token);
    }
  }

  private static void requirePrefix(String field, String variable) {
    if (!variable.startsWith(PREFIX)) {
      throw new MirrorException.Invalid(
          "%s names the variable %s: expected one that begins with %s"
              .formatted(field, variable, PREFIX),
          "other variables can be named in the configuration file (hub.mirrors)");
    }
  }

  /** The headers with their secrets. */
  Map<String, Secret> headers(Mirror mirror) {
    var resolved = new TreeMap<String, Secret>();
    mirror
        .headers()
        .forEach(
            (header, value) -> {
              var text =
                  REFERENCE
                      .matcher(value)
                      .replaceAll(found -> Matcher.quoteReplacement(variable(found.group(1))));
              resolved.put(header, new Secret(text));
            });
    return resolved;
  }

  /** The token; empty for none. */
  Secret token(Mirror mirror) {
    var name = mirror.token();
    return new Secret(name == null ? "" : variable(name));
  }

  private String variable(String name) {
    var value = environment.apply(name);
    return value == null ? "" : value;
  }
}
