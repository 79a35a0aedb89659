package flora.gateway.error;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * A problem document, RFC 9457.
 *
 * @param type always {@code about:blank}: the code says more than a link could
 * @param title the status in words
 * @param status of the answer
 * @param code for programs
 * @param detail what happened and what was expected, for people
 * @param pointer the field it is about
 * @param hint what to do
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Problem(
    String type,
    String title,
    int status,
    String code,
    @Nullable String detail,
    @Nullable String pointer,
    @Nullable String hint) {}
