package flora.labeler;

import flora.labeler.caption.TokenCounter;
import flora.labeler.check.CheckSettings;
import flora.labeler.check.DatasetCheck;
import flora.labeler.dataset.Merged;
import flora.labeler.image.DatasetException;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import flora.schemas.dataset.SidecarNames;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.RunRequest;
import flora.schemas.request.TrainingPlan;
import flora.schemas.run.Head;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.stage.StageContext;
import flora.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Looks through what a labelling has come to, before anything is trained on it: {@code report.json}
 * in the version, and an end to a run that would only waste its time.
 */
final class Checking {

  /** Knows how the model that will be trained counts; see {@link LabelModels#tokenCounter}. */
  @FunctionalInterface
  interface Tokens {
    @Nullable TokenCounter of(Head head);
  }

  /** Warnings that say of what was made now that it is less than was asked for. */
  private static final Set<String> TOLD = Set.of("caption_cut", DatasetCheck.SIDECAR_NAME_SHARED);

  private final ObjectStore store;
  private final Tokens tokens;

  Checking(ObjectStore store, Tokens tokens) {
    this.store = store;
    this.tokens = tokens;
  }

  /**
   * A report that lies in the store.
   *
   * @param request of the run
   */
  record Checked(RunRequest request, DatasetReport report, ObjectRef reference) {

    /** What the person who asked is told without asking for the report. */
    List<String> warnings() {
      return report.findings().stream()
          .filter(each -> each.severity() == Severity.ERROR || TOLD.contains(each.code()))
          .map(Finding::message)
          .toList();
    }

    /** Throws {@link DatasetException.Invalid} when a training would follow and would fail. */
    void refuseTraining() {
      if (request.train() != null && report.hasErrors()) {
        throw new DatasetException.Invalid(
            report.dataset(),
            report.findings().stream()
                .filter(finding -> finding.severity() == Severity.ERROR)
                .map(Finding::message)
                .limit(3)
                .toList());
      }
    }
  }

  /**
   * Looks through all rows and writes the report.
   *
   * @param version null = none was made: the report lies beside the versions, by the listing
   * @param listing digest of what was looked at
   */
  Checked look(
      RunRequest request,
      StageContext context,
      Merged merged,
      @Nullable Sha256 version,
      Sha256 listing) {
    var dataset = Objects.requireNonNull(request.dataset(), "a run without a dataset");
    var check = new DatasetCheck(settings(request, dataset), tokens.of(context.head()));
    boolean noneMade = dataset.label().labeler() == Labeler.NONE;
    var names = version != null && dataset.label().sidecars() ? new SidecarNames() : null;
    for (var row : merged.rows()) {
      context.proceed();
      if (names != null) {
        var picture = SidecarNames.within(row.fileName());
        check.sidecar(picture, names.of(picture));
      }
      if (noneMade && row.source().equals(DatasetCheck.NOT_MADE)) {
        check.rejected(new Rejected(row.fileName(), DatasetCheck.NO_CAPTION));
      } else {
        check.row(row);
      }
    }
    for (var why : merged.rejected()) {
      if (Merged.isMissing(why)) {
        check.missing(why.fileName());
      } else {
        check.rejected(why);
      }
    }
    var report = check.finish(version, listing);
    var key =
        version != null
            ? StoreLayout.datasetVersion(dataset.name(), version, "report.json")
            : StoreLayout.datasetReport(dataset.name(), listing);
    var json = Json.bytes(report);
    store.put(StoreLayout.DATASETS, key, json, "application/json");
    return new Checked(
        request, report, new ObjectRef(StoreLayout.DATASETS, key, json.length, Sha256.sum(json)));
  }

  /** Two lists of what the person should know, one after the other; null when there is nothing. */
  static @Nullable List<String> together(List<String> some, List<String> others) {
    var all = new ArrayList<>(Stream.concat(some.stream(), others.stream()).toList());
    return all.isEmpty() ? null : all;
  }

  private static CheckSettings settings(RunRequest request, DatasetSource dataset) {
    int resolution =
        switch (request.train()) {
          case TrainingPlan.StableDiffusionLora plan -> plan.pictures().resolution();
          case TrainingPlan.AdapterMerge _, TrainingPlan.AdapterConvert _ ->
              CheckSettings.USUAL_RESOLUTION;
          case null -> CheckSettings.USUAL_RESOLUTION;
        };
    return new CheckSettings(
        dataset.name(), resolution, dataset.label().rules().tokenLimit(), request.train() != null);
  }
}
