package flora.trainer.data;

import flora.models.random.RandomStream;
import flora.schemas.request.CaptionPlan;
import flora.trainer.data.DataOrder.Draw;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What a caption becomes each time that its picture is shown, as kohya's sd-scripts decide it; a
 * pure function of the seed and the showing.
 *
 * <p>In this order: prefix and suffix; left out as a whole; tags that are not kept in place are
 * shuffled; some of them are left out. Only where tags are touched, the first line alone counts and
 * tags are joined by a comma and a space.
 */
public final class CaptionRules {

  /** Tags by what becomes of them. */
  private record Tags(List<String> first, List<String> loose, List<String> last) {}

  private final CaptionPlan plan;
  private final RandomStream dropout;
  private final RandomStream shuffle;
  private final RandomStream tagDropout;

  /** Rules under a seed. */
  public CaptionRules(CaptionPlan plan, long seed) {
    this.plan = plan;
    this.dropout = RandomStream.of(seed, "caption-dropout");
    this.shuffle = RandomStream.of(seed, "caption-shuffle");
    this.tagDropout = RandomStream.of(seed, "caption-tag-dropout");
  }

  /** The caption at one showing. */
  public String caption(String text, Draw draw) {
    if (isDropped(draw)) {
      return "";
    }
    var framed = framed(text);
    return touchesTags() ? tagged(framed, draw) : framed;
  }

  /** All that a caption may become; empty when that is too much to be counted. */
  public List<String> all(String text) {
    if (touchesTags()) {
      return List.of();
    }
    return drops() ? List.of(framed(text), "") : List.of(framed(text));
  }

  private boolean drops() {
    return plan.captionDropoutRate() > 0 || plan.captionDropoutEveryNEpochs() > 0;
  }

  private boolean touchesTags() {
    return plan.shuffleCaption() || plan.captionTagDropoutRate() > 0;
  }

  private boolean isDropped(Draw draw) {
    int epochs = plan.captionDropoutEveryNEpochs();
    // sd-scripts count epochs from 1
    return (epochs > 0 && (draw.epoch() + 1) % epochs == 0)
        || dropout.unit(draw.number(), 0) < plan.captionDropoutRate();
  }

  private String framed(String text) {
    var prefix = plan.captionPrefix();
    var suffix = plan.captionSuffix();
    var framed = prefix == null || prefix.isEmpty() ? text : prefix + " " + text;
    return suffix == null || suffix.isEmpty() ? framed : framed + " " + suffix;
  }

  private String tagged(String caption, Draw draw) {
    int end = caption.indexOf('\n');
    var tags = tags(end < 0 ? caption : caption.substring(0, end));
    var loose = tags.loose();
    if (plan.shuffleCaption()) {
      int[] order = shuffle.permutation(loose.size(), draw.number());
      loose = Arrays.stream(order).mapToObj(tags.loose()::get).toList();
    }
    var said = new ArrayList<>(tags.first());
    for (int i = 0; i < loose.size(); i++) {
      if (tagDropout.unit(draw.number(), i) >= plan.captionTagDropoutRate()) {
        said.add(loose.get(i));
      }
    }
    said.addAll(tags.last());
    return String.join(", ", said);
  }

  private Tags tags(String line) {
    var separator = plan.keepTokensSeparator();
    if (separator != null && !separator.isEmpty() && line.contains(separator)) {
      var parts = line.split(Pattern.quote(separator), 3);
      return new Tags(
          split(parts[0], true),
          split(parts[1], true),
          split(parts.length > 2 ? parts[2] : "", true));
    }
    var all = split(line.strip(), false);
    int kept = Math.min(plan.keepTokens(), all.size());
    return new Tags(all.subList(0, kept), all.subList(kept, all.size()), List.of());
  }

  private List<String> split(String text, boolean dropEmpty) {
    return Arrays.stream(text.split(Pattern.quote(plan.captionSeparator()), -1))
        .map(String::strip)
        .filter(tag -> !dropEmpty || !tag.isEmpty())
        .toList();
  }
}
