package flora.schemas.request;

import static flora.schemas.request.RequestKey.*;

import flora.schemas.request.KeepPlan.SavePrecision;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** From what was given to what is made of adapters that are there. Pure. */
final class AdapterAssembly {

  private final GivenKeys given;

  AdapterAssembly(GivenKeys given) {
    this.given = given;
  }

  TrainingPlan assemble(String task) {
    if (task.equals("adapter-merge")) {
      onlyKeys(task, Set.of(TASK, ADAPTERS));
      return new TrainingPlan.AdapterMerge(adapters());
    }
    onlyKeys(task, Set.of(TASK, ADAPTERS, ADAPTER_FORMS, SAVE_PRECISION));
    return conversion();
  }

  private TrainingPlan conversion() {
    var adapters = adapters();
    if (adapters.size() > 1) {
      throw RequestException.invalid(
          given.pointer(ADAPTERS),
          "one adapter is converted at a time, and adapters names %d".formatted(adapters.size()),
          "write a request for each");
    }
    return new TrainingPlan.AdapterConvert(
        adapters,
        forms(),
        given.has(SAVE_PRECISION)
            ? SavePrecision.valueOf(
                Objects.requireNonNull(given.text(SAVE_PRECISION)).toUpperCase(Locale.ROOT))
            : null);
  }

  private List<AdapterUse> adapters() {
    var uses = new ArrayList<AdapterUse>();
    for (var text : given.texts(ADAPTERS)) {
      try {
        uses.add(AdapterUse.parse(text));
      } catch (IllegalArgumentException e) {
        throw RequestException.invalid(
            given.pointer(ADAPTERS),
            "adapters: %s is none: %s".formatted(text, e.getMessage()),
            "write a list such as [run_01J…:0.8, my_style:1:0.5]");
      }
    }
    if (uses.isEmpty()) {
      throw RequestException.invalid(
          given.pointer(ADAPTERS),
          "adapters is missing",
          "write a list such as [run_01J…:0.8, my_style:1:0.5]");
    }
    return uses;
  }

  private List<TrainingPlan.AdapterForm> forms() {
    var forms = new LinkedHashSet<TrainingPlan.AdapterForm>();
    for (var word : given.texts(ADAPTER_FORMS)) {
      forms.add(
          Stream.of(TrainingPlan.AdapterForm.values())
              .filter(form -> form.name().toLowerCase(Locale.ROOT).equals(word))
              .findFirst()
              .orElseThrow(
                  () ->
                      RequestException.invalid(
                          given.pointer(ADAPTER_FORMS),
                          "adapter_forms: there is no form " + word,
                          "write kohya, diffusers or peft")));
    }
    return forms.isEmpty() ? List.of(TrainingPlan.AdapterForm.values()) : List.copyOf(forms);
  }

  /** What says how to train says nothing where nothing is trained. */
  private void onlyKeys(String task, Set<RequestKey> allowed) {
    for (var key : RequestKey.values()) {
      if (key.section() == RequestKey.Section.TRAIN && given.has(key) && !allowed.contains(key)) {
        throw RequestException.invalid(
            given.pointer(key),
            "%s says nothing to task %s, which trains nothing".formatted(key.key(), task),
            "leave it out");
      }
    }
  }
}
