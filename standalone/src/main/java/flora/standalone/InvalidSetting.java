package flora.standalone;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.web.server.PortInUseException;

/** A setting that cannot be served as it stands; the message names it and what is expected. */
public final class InvalidSetting extends RuntimeException {

  InvalidSetting(String message) {
    super(message);
  }

  private InvalidSetting(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * What a service that did not start says of a setting; empty when it failed for another reason.
   * Spring wraps the sentence a few times, and the sentence may have a cause of its own.
   */
  static Optional<InvalidSetting> in(RuntimeException failure) {
    @Nullable BindException bind = null;
    for (Throwable e = failure; e != null; e = e.getCause()) {
      switch (e) {
        case BindException found -> bind = found;
        case PortInUseException port -> {
          return Optional.of(
              new InvalidSetting(
                  "port %d of the gateway is taken: choose another one (FLORA_PORT, --port), or 0 for a free one"
                      .formatted(port.getPort()),
                  failure));
        }
        case IllegalArgumentException sentence -> {
          return Optional.of(new InvalidSetting(named(sentence, bind), failure));
        }
        default -> {}
      }
    }
    return Optional.empty();
  }

  /** What is refused for all of a group names the setting itself; what cannot be read does not. */
  private static String named(IllegalArgumentException sentence, @Nullable BindException bind) {
    var message = Objects.requireNonNullElse(sentence.getMessage(), sentence.toString());
    var property = bind == null ? null : bind.getProperty();
    return bind == null || property == null || !property.getName().equals(bind.getName())
        ? message
        : "%s: %s".formatted(property.getName(), message);
  }
}
