package flora.schemas.request;

import flora.schemas.request.RequestKey.Section;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
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
 * @param foreign what tools call it that have no dialect here
 * @param names its names in the dialects; none = it cannot be said there
 * @param defaults what it means not to write it in a dialect that means something else than we do
 * @param notYet what holds until somebody acts on it; null = somebody does
 */
record KeySpec(
    Section section,
    String key,
    Shape shape,
    @Nullable Object fallback,
    String source,
    List<String> flat,
    List<String> foreign,
    Map<Dialect, List<String>> names,
    Map<Dialect, Object> defaults,
    @Nullable NotYet notYet) {

  /**
   * A key that nothing acts on yet: it is refused by name, unless it says what holds anyway.
   *
   * @param until what holds; null = there is none of it
   */
  record NotYet(@Nullable Object until) {}

  KeySpec {
    flat = List.copyOf(flat);
    foreign = List.copyOf(foreign);
    names = Map.copyOf(names);
    defaults = Map.copyOf(defaults);
  }

  /** A key without other spellings. */
  KeySpec(Section section, String key, Shape shape, @Nullable Object fallback, String source) {
    this(section, key, shape, fallback, source, List.of(), List.of(), Map.of(), Map.of(), null);
  }

  /** A key of {@code train}, which may also stand at the top. */
  static KeySpec train(String key, Shape shape, @Nullable Object fallback, String source) {
    return new KeySpec(Section.TRAIN, key, shape, fallback, source).flat(key);
  }

  /** The same with names at the top of the document. */
  KeySpec flat(String... more) {
    return new KeySpec(
        section, key, shape, fallback, source, List.of(more), foreign, names, defaults, notYet);
  }

  /** The same with names that tools have for it. */
  KeySpec theirs(String... more) {
    return new KeySpec(
        section, key, shape, fallback, source, flat, List.of(more), names, defaults, notYet);
  }

  /** The same with kohya's names. */
  KeySpec kohya(String... theirs) {
    return named(Dialect.KOHYA, theirs);
  }

  /** The same with diffusers' names. */
  KeySpec diffusers(String... theirs) {
    return named(Dialect.DIFFUSERS, theirs);
  }

  /** The same, called so in kohya's and diffusers' dialect alike. */
  KeySpec both(String... theirs) {
    return kohya(theirs).diffusers(theirs);
  }

  /** The same with kohya's default. */
  KeySpec kohyaDefault(Object theirs) {
    return defaulting(Dialect.KOHYA, theirs);
  }

  /** The same with diffusers' default. */
  KeySpec diffusersDefault(Object theirs) {
    return defaulting(Dialect.DIFFUSERS, theirs);
  }

  /** The same with the default of both. */
  KeySpec bothDefault(Object theirs) {
    return kohyaDefault(theirs).diffusersDefault(theirs);
  }

  /**
   * The same while nothing acts on it. Whoever makes it work takes this out of its line.
   *
   * @param until what holds meanwhile; null = there is none of it
   */
  KeySpec notYet(@Nullable Object until) {
    return new KeySpec(
        section, key, shape, fallback, source, flat, foreign, names, defaults, new NotYet(until));
  }

  private KeySpec named(Dialect dialect, String... theirs) {
    var more = new EnumMap<Dialect, List<String>>(Dialect.class);
    more.putAll(names);
    more.put(dialect, List.of(theirs));
    return new KeySpec(
        section, key, shape, fallback, source, flat, foreign, more, defaults, notYet);
  }

  private KeySpec defaulting(Dialect dialect, Object theirs) {
    var more = new EnumMap<Dialect, Object>(Dialect.class);
    more.putAll(defaults);
    more.put(dialect, theirs);
    return new KeySpec(section, key, shape, fallback, source, flat, foreign, names, more, notYet);
  }
}
