package flora.schemas.request;

import java.util.List;

/**
 * A request as it will be run: every default filled in, every spelling resolved. Written as JSON
 * and read again it is the same request.
 *
 * @param request what is frozen as {@code request.json}
 * @param warnings what the person should know: what was read differently from what it seems to say
 */
public record EffectiveRequest(RunRequest request, List<String> warnings) {
  public EffectiveRequest {
    warnings = List.copyOf(warnings);
  }
}
