package flora.schemas.request;

import flora.schemas.request.RequestKey.Section;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What there is to say of a key.
 *
 * @param section the part it belongs to
 * @param key its name in that part
 * @param shape what its value looks like
 * @param fallback what it means not to write it; null = nothing, or what the assembly says
 * @param source where the default comes from, for people
 * @param flat its names at the top of the document
 * @param foreign what other tools call it
 */
record KeySpec(
    Section section,
    String key,
    Shape shape,
    @Nullable Object fallback,
    String source,
    List<String> flat,
    List<String> foreign) {
  KeySpec {
    flat = List.copyOf(flat);
    foreign = List.copyOf(foreign);
  }
}
