package flora.labeler.check;

import flora.labeler.caption.TokenCounter;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import flora.schemas.dataset.SidecarNames;
import flora.schemas.label.LabelRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks through the rows of a dataset as they come and says what is wrong with it. Errors speak
 * against training: nothing to train on, captions missing, pictures far too small. Everything else
 * is a warning. No picture is opened: all of it stands in the rows. Not thread-safe.
 */
public final class DatasetCheck {

  /** Of a {@link Rejected}: no caption came with the picture, and none was to be made. */
  public static final String NO_CAPTION = "no caption came with it, and the labeler is none";

  /** Source of a row that has no caption yet. */
  public static final String NOT_MADE = "none";

  /** Of a finding: two pictures would have one text. */
  public static final String SIDECAR_NAME_SHARED = "sidecar_name_shared";

  /** The largest class may have so many times the pictures of the smallest. */
  private static final int MAX_IMBALANCE = 10;

  /** Classes that a report lists. */
  private static final int MOST_CLASSES = 1000;

  private final CheckSettings settings;
  private final @Nullable TokenCounter tokens;
  private final LookAlikes lookAlikes = new LookAlikes();
  private final Map<String, Long> classes = new TreeMap<>();

  private long images;
  private long rejected;
  private long farTooSmall;
  private final Found unreadable = new Found();
  private final Found noCaption = new Found();
  private final Found noPicture = new Found();
  private final Found tooSmall = new Found();
  private final Found exact = new Found();
  private final Found similar = new Found();
  private final Found tooLong = new Found();
  private final Found cut = new Found();
  private final Found takenForMissing = new Found();
  private final Found numbers = new Found();
  private final Found animated = new Found();
  private final Found sidecars = new Found();

  /**
   * A check.
   *
   * @param tokens counts as the trained model will; null = unknown, and said so in the report
   */
  public DatasetCheck(CheckSettings settings, @Nullable TokenCounter tokens) {
    this.settings = settings;
    this.tokens = tokens;
  }

  /** Takes in a picture that can be used. */
  public void row(LabelRow row) {
    images++;
    int shorter = Math.min(row.width(), row.height());
    if (shorter < settings.resolution()) {
      tooSmall.add("%s (%d x %d)".formatted(row.fileName(), row.width(), row.height()));
      farTooSmall += 2L * shorter < settings.resolution() ? 1 : 0;
    }
    if (row.frames() > 1) {
      animated.add("%s (%d pictures)".formatted(row.fileName(), row.frames()));
    }
    if (row.label() != null) {
      classes.merge(row.label(), 1L, Long::sum);
    }
    switch (lookAlikes.add(row.fileName(), row.sha256(), row.phash(), row.thumb())) {
      case LookAlikes.Twin.Exact(var name) -> exact.add(row.fileName() + " = " + name);
      case LookAlikes.Twin.Similar(var name) -> similar.add(row.fileName() + " ~ " + name);
      case null -> {}
    }
    caption(row);
  }

  private void caption(LabelRow row) {
    if (row.source().equals(NOT_MADE)) {
      return;
    }
    if (row.cutTokens() > 0) {
      cut.add("%s (%d tokens)".formatted(row.fileName(), row.cutTokens()));
    }
    if (tokens != null && settings.tokenLimit() > 0) {
      int count = tokens.count(row.text());
      if (count > settings.tokenLimit()) {
        tooLong.add("%s (%d tokens)".formatted(row.fileName(), count));
      }
    }
    if (TableTraps.isTakenForMissing(row.text())) {
      takenForMissing.add(row.fileName());
    } else if (TableTraps.isNumber(row.text())) {
      numbers.add(row.fileName());
    }
  }

  /** Takes in the name of the text that lies beside a picture. */
  public void sidecar(String picture, String text) {
    if (!SidecarNames.isUsual(picture, text)) {
      sidecars.add("%s (%s)".formatted(picture, text));
    }
  }

  /** Takes in a picture that is left out; {@link #NO_CAPTION} is a reason of its own. */
  public void rejected(Rejected picture) {
    rejected++;
    if (picture.reason().equals(NO_CAPTION)) {
      noCaption.add(picture.fileName());
    } else {
      unreadable.add("%s: %s".formatted(picture.fileName(), picture.reason()));
    }
  }

  /** Takes in a caption whose picture is not there. */
  public void missing(String fileName) {
    noPicture.add(fileName);
  }

  /**
   * What was found.
   *
   * @param version the version that was looked at, if one was made
   * @param listing digest of what lay in the incoming folder, if it lay there
   */
  public DatasetReport finish(@Nullable Sha256 version, @Nullable Sha256 listing) {
    var findings = new ArrayList<Finding>();
    captionFindings(findings);
    pictureFindings(findings);
    balance(findings);
    findings.sort(Comparator.comparing(Finding::severity));
    return new DatasetReport(
        settings.dataset(),
        version,
        listing,
        images,
        rejected,
        exact.count(),
        similar.count(),
        classes.size() > MOST_CLASSES ? Map.of() : classes,
        settings.resolution(),
        findings);
  }

  private void pictureFindings(List<Finding> findings) {
    if (images == 0 && rejected == 0) {
      findings.add(
          new Found()
              .finding(
                  Severity.ERROR,
                  "no_images",
                  "the dataset holds no pictures",
                  "put PNG, JPEG, GIF, BMP or TIFF files into it"));
    }
    if (unreadable.count() > 0) {
      boolean all = images == 0 && noCaption.count() == 0;
      findings.add(
          unreadable.finding(
              all ? Severity.ERROR : Severity.WARNING,
              all ? "unreadable_all" : "unreadable",
              all
                  ? "none of the %d pictures can be used".formatted(unreadable.count())
                  : "%d pictures cannot be used and are left out".formatted(unreadable.count()),
              "see rejected.csv for each reason; convert or replace the files"));
    }
    if (farTooSmall == images && images > 0) {
      findings.add(
          tooSmall.finding(
              settings.training() ? Severity.ERROR : Severity.WARNING,
              "resolution_all_small",
              "all %d pictures are smaller than half of the resolution of %d pixels"
                  .formatted(images, settings.resolution()),
              "train at a resolution that they have, or bring larger pictures"));
    } else if (tooSmall.count() > 0) {
      findings.add(
          tooSmall.finding(
              Severity.WARNING,
              "too_small",
              "%d of %d pictures have a side of less than %d pixels and would be enlarged"
                  .formatted(tooSmall.count(), images, settings.resolution()),
              "bring larger ones, leave them out, or train at a lower resolution"));
    }
    warn(
        findings,
        exact,
        "duplicate",
        "%d pictures are byte for byte another one",
        "remove the copies: they count twice in training");
    warn(
        findings,
        similar,
        "similar",
        "%d pictures look nearly like another one",
        "keep the best of each, unless you want it to weigh more");
    warn(
        findings,
        animated,
        "animated",
        "%d files hold several pictures; the first of each is used",
        "give the pictures as files of their own, or set animated: reject");
  }

  private void captionFindings(List<Finding> findings) {
    if (noCaption.count() > 0) {
      findings.add(
          noCaption.finding(
              settings.training() ? Severity.ERROR : Severity.WARNING,
              "missing_caption",
              "%d pictures came without a caption, and the labeler is none"
                  .formatted(noCaption.count()),
              "bring captions for them, remove them, or let a labeler make them"));
    }
    warn(
        findings,
        noPicture,
        "missing_file",
        "%d captions are of pictures that are not there",
        "check the file names in the table, upper and lower case included");
    if (settings.tokenLimit() > 0 && tokens == null && images > 0) {
      findings.add(
          new Found()
              .finding(
                  Severity.WARNING,
                  "caption_limit_unchecked",
                  "the captions were not held against the limit of %d tokens"
                      .formatted(settings.tokenLimit()),
                  "name the model that will be trained: its tokenizer counts them"));
    }
    warn(
        findings,
        tooLong,
        "caption_too_long",
        "%d captions have more than " + settings.tokenLimit() + " tokens; training cuts them",
        "shorten them: what stands behind the limit is not learned");
    warn(
        findings,
        cut,
        "caption_cut",
        "%d captions were cut to " + settings.tokenLimit() + " tokens",
        "lower top_k, or raise threshold, or token_limit: 0 for a model without such a limit");
    warn(
        findings,
        sidecars,
        SIDECAR_NAME_SHARED,
        "%d pictures have a name that differs from another's by its ending only: their texts have"
            + " other names than trainers look for",
        "name them apart: a.png and a.jpg would both have a.txt");
    warn(
        findings,
        takenForMissing,
        "caption_pandas_null",
        "%d captions are words that datasets takes for a missing value in a metadata.csv",
        "use the metadata.jsonl, or write another caption; quotes do not help");
    warn(
        findings,
        numbers,
        "caption_numeric",
        "%d captions are numbers, and datasets may read them as such from a metadata.csv",
        "use the metadata.jsonl, or write them out");
  }

  private void balance(List<Finding> findings) {
    if (classes.isEmpty()) {
      return;
    }
    long most = classes.values().stream().mapToLong(Long::longValue).max().orElse(0);
    long fewest = classes.values().stream().mapToLong(Long::longValue).min().orElse(0);
    if (fewest >= 2 && most <= MAX_IMBALANCE * fewest) {
      return;
    }
    var small = new Found();
    classes.entrySet().stream()
        .filter(each -> each.getValue() < 2 || each.getValue() * MAX_IMBALANCE < most)
        .sorted(Map.Entry.comparingByValue())
        .forEach(each -> small.add("%s (%d pictures)".formatted(each.getKey(), each.getValue())));
    findings.add(
        small.finding(
            Severity.WARNING,
            "class_imbalance",
            "the %d classes have from %d to %d pictures".formatted(classes.size(), fewest, most),
            "bring more pictures of the small classes, or fewer of the large ones"));
  }

  private static void warn(
      List<Finding> findings, Found found, String code, String message, String hint) {
    if (found.count() > 0) {
      findings.add(found.finding(Severity.WARNING, code, message.formatted(found.count()), hint));
    }
  }
}
