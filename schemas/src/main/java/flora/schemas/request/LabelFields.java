package flora.schemas.request;

import flora.schemas.request.LabelOptions.Animated;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.LabelOptions.Mode;
import flora.schemas.request.LabelOptions.Precision;
import flora.schemas.request.LabelOptions.Target;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@link LabelOptions} as they are written: all of them side by side. What is absent, as in a
 * request that was frozen before there was such a field, is its default.
 *
 * @param labels a map of kinds, or, as it once was, a list
 */
record LabelFields(
    Labeler labeler,
    @Nullable String model,
    @Nullable String captionModel,
    @Nullable Object labels,
    @Nullable Mode mode,
    List<String> templates,
    double threshold,
    int topK,
    @Nullable String triggerWord,
    @Nullable String prefix,
    @Nullable String suffix,
    @Nullable List<String> blacklist,
    @Nullable Map<String, String> replace,
    @Nullable Integer tokenLimit,
    @Nullable String prompt,
    @Nullable Integer numBeams,
    @Nullable Integer maxNewTokens,
    @Nullable Integer minNewTokens,
    @Nullable Double repetitionPenalty,
    @Nullable Integer noRepeatNgramSize,
    @Nullable Double lengthPenalty,
    Generation.@Nullable EarlyStopping earlyStopping,
    @Nullable Precision precision,
    @Nullable Target target,
    @Nullable Animated animated,
    @Nullable Boolean sidecars) {

  static LabelFields of(LabelOptions o) {
    var rules = o.rules();
    var generation = o.generation();
    return new LabelFields(
        o.labeler(),
        o.model(),
        o.captionModel(),
        o.kinds(),
        o.mode(),
        o.templates(),
        o.threshold(),
        o.topK(),
        rules.triggerWord(),
        rules.prefix(),
        rules.suffix(),
        rules.blacklist(),
        rules.replace(),
        rules.tokenLimit(),
        generation.prompt(),
        generation.numBeams(),
        generation.maxNewTokens(),
        generation.minNewTokens(),
        generation.repetitionPenalty(),
        generation.noRepeatNgramSize(),
        generation.lengthPenalty(),
        generation.earlyStopping(),
        o.precision(),
        o.target(),
        o.animated(),
        o.sidecars());
  }

  LabelOptions toOptions() {
    var plain = CaptionRules.PLAIN;
    var generation = Generation.DEFAULT;
    return new LabelOptions(
        labeler,
        model,
        captionModel,
        kinds(labels),
        or(mode, Mode.PER_KIND),
        templates,
        threshold,
        topK,
        new CaptionRules(
            triggerWord,
            prefix,
            suffix,
            or(blacklist, plain.blacklist()),
            or(replace, plain.replace()),
            or(tokenLimit, plain.tokenLimit())),
        new Generation(
            prompt,
            or(numBeams, generation.numBeams()),
            or(maxNewTokens, generation.maxNewTokens()),
            or(minNewTokens, generation.minNewTokens()),
            or(repetitionPenalty, generation.repetitionPenalty()),
            or(noRepeatNgramSize, generation.noRepeatNgramSize()),
            or(lengthPenalty, generation.lengthPenalty()),
            or(earlyStopping, generation.earlyStopping())),
        or(precision, Precision.FP32),
        or(target, Target.CAPTION),
        or(animated, Animated.FIRST),
        or(sidecars, false));
  }

  /** Labels by kind, of a map or a list, as a document's parser gives them. */
  private static Map<String, List<String>> kinds(@Nullable Object labels) {
    var kinds = new LinkedHashMap<String, List<String>>();
    Function<Object, List<String>> texts =
        list -> ((List<?>) list).stream().map(String::valueOf).toList();
    switch (labels) {
      case Map<?, ?> map ->
          map.forEach((kind, list) -> kinds.put(String.valueOf(kind), texts.apply(list)));
      case List<?> list when !list.isEmpty() -> kinds.put(LabelOptions.ONE_KIND, texts.apply(list));
      case null, default -> {}
    }
    return kinds;
  }

  private static <T> T or(@Nullable T value, T otherwise) {
    return value == null ? otherwise : value;
  }
}
