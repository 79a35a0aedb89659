package flora.labeler.work;

import flora.labeler.caption.Caption;
import flora.labeler.caption.LabelRecipe;
import flora.schemas.Sha256;
import flora.schemas.label.LabelRow;
import flora.schemas.label.Score;
import flora.schemas.request.LabelOptions.Target;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which caption counts, and the row that comes of it; pure. */
public final class Rows {

  private static final String NO_CAPTION = "no caption came with it, and the labeler is none";

  /** Sources of captions that are neither a person's nor a model's. */
  private static final Set<String> NOT_MADE = Set.of("folder", "trigger_word");

  private static final String NO_CLASS =
      "it lies in no folder, and its class is the name of the folder";
  private static final String NOTHING_LEFT = "nothing is left of the caption";

  private final @Nullable LabelRecipe recipe;
  private final @Nullable Sha256 digest;
  private final Target target;
  private final @Nullable String triggerWord;
  private final boolean lookOnly;
  private final boolean rejectAnimated;
  private final boolean captions;

  /**
   * Rules.
   *
   * @param captions whether there is a captioner
   */
  public Rows(ShardSettings settings, boolean captions) {
    this.recipe = settings.recipe();
    this.digest = recipe == null ? null : recipe.digest();
    this.target = settings.target();
    this.triggerWord = settings.triggerWord();
    this.lookOnly = settings.lookOnly();
    this.rejectAnimated = settings.rejectAnimated();
    this.captions = captions;
  }

  /** What is known of a picture once it was decoded. */
  record Look(
      Sha256 sha256,
      long size,
      int width,
      int height,
      int frames,
      @Nullable String phash,
      @Nullable String thumb) {

    static Look of(LabelRow row) {
      return new Look(
          row.sha256(),
          row.size(),
          row.width(),
          row.height(),
          row.frames(),
          row.phash(),
          row.thumb());
    }
  }

  /** Whether a picture cannot be finished without the model. */
  public boolean needsModel(Entry entry) {
    return captions
        && (entry.given() == null || (target == Target.ZERO_SHOT && entry.label() == null));
  }

  /**
   * The entry of a picture whose bytes are those of the version before: what a person has said of
   * them stays where nothing newer came.
   */
  public Entry known(Entry entry, LabelRow before) {
    boolean human = before.source().equals("user") || before.source().equals("edit");
    return human && entry.given() == null ? entry.saying(before) : entry;
  }

  /**
   * The row of a picture whose bytes are those of the version before; null when a part of it is to
   * be made anew.
   *
   * @param entry {@linkplain #known with what is known}
   */
  public @Nullable ShardRow kept(Entry entry, LabelRow before) {
    if (rejectAnimated && before.frames() > 1) {
      return null; // the decoder says what is wrong with it
    }
    boolean current = before.recipe() != null && before.recipe().equals(digest);
    if (entry.given() == null && (current || lookOnly)) {
      boolean classified = entry.label() == null && target == Target.ZERO_SHOT;
      var row = before.of(entry.picture().fileName(), entry.picture().etag());
      return finish(entry, classified ? row : row.withLabel(entry.label()), false);
    }
    if (!needsModel(entry)) {
      return plain(entry, Look.of(before));
    }
    return entry.given() != null && current && before.label() != null
        ? given(entry, Look.of(before), before.label(), false)
        : null;
  }

  /** The row of a picture that needs no model. */
  ShardRow plain(Entry entry, Look look) {
    if (entry.given() != null) {
      return given(entry, look, entry.label(), false);
    }
    var folder = entry.label() == null ? entry.picture().folder() : entry.label();
    if (target == Target.FOLDERS && !lookOnly) {
      if (folder == null) {
        return entry.left(NO_CLASS);
      }
      var text = triggerWord == null ? folder : triggerWord + ", " + folder;
      return finish(entry, row(entry, look, text, "folder", folder, null, List.of(), 0), false);
    }
    if (triggerWord != null) {
      var row = row(entry, look, triggerWord, "trigger_word", entry.label(), null, List.of(), 0);
      return finish(entry, row, false);
    }
    return lookOnly
        ? finish(entry, row(entry, look, "", "none", entry.label(), null, List.of(), 0), false)
        : entry.left(NO_CAPTION);
  }

  /**
   * The row of a picture that the model has said something of.
   *
   * @param now whether it was this picture that the model saw, and not another of the same bytes
   */
  ShardRow made(Entry entry, Look look, Caption caption, boolean now) {
    var label = entry.label() == null ? caption.label() : entry.label();
    if (entry.given() != null) {
      return given(entry, look, label, now);
    }
    if (caption.text().isBlank()) {
      return entry.left(NOTHING_LEFT);
    }
    var source = recipe == null ? "made" : recipe.labeler();
    return finish(
        entry,
        row(
            entry,
            look,
            caption.text(),
            source,
            label,
            caption.raw(),
            scores(caption),
            caption.cutTokens()),
        now);
  }

  /** A picture's row with what was made of another one of the same bytes. */
  public static LabelRow saying(LabelRow row, LabelRow other) {
    return other.of(row.fileName(), row.etag()).withLabel(row.label());
  }

  private ShardRow given(Entry entry, Look look, @Nullable String label, boolean now) {
    var source = entry.source() == null ? "user" : entry.source();
    var text = Objects.requireNonNull(entry.given());
    return finish(entry, row(entry, look, text, source, label, null, List.of(), 0), now);
  }

  private LabelRow row(
      Entry entry,
      Look look,
      String text,
      String source,
      @Nullable String label,
      @Nullable String caption,
      List<Score> labels,
      int cutTokens) {
    boolean made = entry.given() == null && !NOT_MADE.contains(source);
    // a caption that a person gave does not follow from it, but its class may
    boolean follows = entry.given() == null ? !source.equals("folder") : needsModel(entry);
    return new LabelRow(
        entry.picture().fileName(),
        look.sha256(),
        look.size(),
        look.width(),
        look.height(),
        look.frames(),
        text,
        source,
        label,
        caption,
        labels,
        made && recipe != null ? recipe.model() : null,
        made && recipe != null ? recipe.captionModel() : null,
        follows ? digest : null,
        cutTokens,
        look.phash(),
        look.thumb(),
        entry.picture().etag());
  }

  private static List<Score> scores(Caption caption) {
    return caption.labels().stream().map(s -> new Score(s.label(), s.probability())).toList();
  }

  /** Classes by folder hold for every picture, whoever wrote its caption. */
  private ShardRow finish(Entry entry, LabelRow row, boolean made) {
    if (target != Target.FOLDERS || row.label() != null) {
      return new ShardRow.Labelled(row, made);
    }
    var label = entry.label() == null ? entry.picture().folder() : entry.label();
    if (label == null) {
      return lookOnly ? new ShardRow.Labelled(row, made) : entry.left(NO_CLASS);
    }
    return new ShardRow.Labelled(row.withLabel(label), made);
  }
}
