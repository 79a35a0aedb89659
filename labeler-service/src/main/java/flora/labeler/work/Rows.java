package flora.labeler.work;

import flora.labeler.caption.Caption;
import flora.labeler.caption.LabelRecipe;
import flora.labeler.image.Picture;
import flora.schemas.Sha256;
import flora.schemas.label.LabelRow;
import flora.schemas.label.Score;
import flora.schemas.request.LabelOptions.Target;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Which caption counts, and the row that comes of it; pure. */
public final class Rows {

  private static final String NO_CAPTION = "no caption came with it, and the labeler is none";
  private static final String NO_CLASS =
      "it lies in no folder, and its class is the name of the folder";
  private static final String NOTHING_LEFT = "nothing is left of the caption";

  private final @Nullable LabelRecipe recipe;
  private final @Nullable Sha256 digest;
  private final Target target;
  private final @Nullable String triggerWord;
  private final boolean lookOnly;
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
   * The row of a picture whose bytes are those of the version before; null when a part of it is to
   * be made anew.
   */
  public @Nullable ShardRow kept(Entry entry, LabelRow before) {
    var look = Look.of(before);
    boolean current = before.recipe() != null && before.recipe().equals(digest);
    if (entry.given() != null) {
      if (needsModel(entry) && !(current && before.label() != null)) {
        return null;
      }
      var label = entry.label() == null && needsModel(entry) ? before.label() : entry.label();
      return given(entry, look, label, needsModel(entry));
    }
    boolean human = before.source().equals("user") || before.source().equals("edit");
    if (human || current || lookOnly) {
      return finish(
          entry,
          new LabelRow(
              entry.picture().fileName(),
              look.sha256(),
              look.size(),
              look.width(),
              look.height(),
              look.frames(),
              before.text(),
              before.source(),
              entry.label() == null && target == Target.ZERO_SHOT ? before.label() : entry.label(),
              before.caption(),
              before.labels(),
              before.model(),
              before.captionModel(),
              before.recipe(),
              before.cutTokens(),
              look.phash(),
              look.thumb(),
              entry.picture().etag()),
          false);
    }
    return null;
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
      return finish(
          entry, row(entry, look, triggerWord, "trigger_word", null, null, List.of(), 0), false);
    }
    return lookOnly
        ? finish(entry, row(entry, look, "", "none", null, null, List.of(), 0), false)
        : entry.left(NO_CAPTION);
  }

  /** The row of a picture that the model has said something of. */
  ShardRow made(Entry entry, Look look, Caption caption) {
    var label = entry.label() == null ? caption.label() : entry.label();
    if (entry.given() != null) {
      return given(entry, look, label, true);
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
        true);
  }

  /** The same bytes under another name: what was made of them is made of it, too. */
  ShardRow copy(Entry entry, ShardRow first) {
    return switch (first) {
      case ShardRow.Left(var why) -> entry.left(why.reason());
      case ShardRow.Labelled(var row, _) -> {
        if (entry.given() != null) {
          var label = entry.label() == null && needsModel(entry) ? row.label() : entry.label();
          yield given(entry, Look.of(row), label, needsModel(entry));
        }
        if (!needsModel(entry)) {
          yield plain(entry, Look.of(row));
        }
        yield finish(entry, renamed(row, entry.picture(), entry.label()), false);
      }
    };
  }

  /** A picture's row with what was made of another one of the same bytes. */
  public static LabelRow saying(LabelRow row, LabelRow other) {
    return of(row.fileName(), row.etag(), row.label(), other);
  }

  private static LabelRow renamed(LabelRow row, Picture picture, @Nullable String label) {
    return of(picture.fileName(), picture.etag(), label == null ? row.label() : label, row);
  }

  private static LabelRow of(
      String fileName, @Nullable String etag, @Nullable String label, LabelRow row) {
    return new LabelRow(
        fileName,
        row.sha256(),
        row.size(),
        row.width(),
        row.height(),
        row.frames(),
        row.text(),
        row.source(),
        label,
        row.caption(),
        row.labels(),
        row.model(),
        row.captionModel(),
        row.recipe(),
        row.cutTokens(),
        row.phash(),
        row.thumb(),
        etag);
  }

  private ShardRow given(Entry entry, Look look, @Nullable String label, boolean asked) {
    return finish(
        entry,
        new LabelRow(
            entry.picture().fileName(),
            look.sha256(),
            look.size(),
            look.width(),
            look.height(),
            look.frames(),
            Objects.requireNonNull(entry.given()),
            entry.source() == null ? "user" : entry.source(),
            label,
            null,
            List.of(),
            null,
            null,
            asked ? digest : null, // its class was made
            0,
            look.phash(),
            look.thumb(),
            entry.picture().etag()),
        asked);
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
    boolean made = !source.equals("folder") && !source.equals("trigger_word");
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
        source.equals("folder") ? null : digest,
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
    return new ShardRow.Labelled(renamed(row, entry.picture(), label), made);
  }
}
