package flora.hub.plan;

import flora.hub.HubFile;
import flora.schemas.request.ModelSource.Preset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Chooses the weights of one folder: one format, one precision, whole or in shards. File names are
 * those of diffusers and transformers: {@code base[.variant][-00001-of-00002].safetensors} with
 * {@code base.safetensors.index[.variant].json} for shards. Only where there is none in this format
 * the pickles of the same names are taken, to be converted.
 */
final class WeightFiles {

  private static final List<String> BASES =
      List.of("diffusion_pytorch_model", "model", "adapter_model");
  private static final List<String> VARIANTS = List.of("fp16", "bf16", "ema", "non_ema");
  private static final String SAFETENSORS = "safetensors";

  /** Names that PyTorch's own files have in these layouts; other pickles may be anything. */
  private static final List<String> PICKLE_BASES =
      List.of("diffusion_pytorch_model", "pytorch_model", "model", "adapter_model");

  private static final List<String> PICKLE_FORMATS = List.of("bin", "pt", "pth", "ckpt");

  private static final Pattern WEIGHTS =
      Pattern.compile(
          "(%s)[.-](.*\\.)?(safetensors|%s)"
              .formatted(String.join("|", PICKLE_BASES), String.join("|", PICKLE_FORMATS)));

  private final String component;
  private final Map<String, HubFile> files;
  private final Documents documents;
  private final Preset preset;

  /**
   * @param files of one folder, by name without the folder
   * @param preset which format and precision somebody would rather have
   */
  WeightFiles(String component, Map<String, HubFile> files, Documents documents, Preset preset) {
    this.component = component;
    this.files = new TreeMap<>(files);
    this.documents = documents;
    this.preset = preset;
  }

  /** Whether a folder's files have weights among them that can be chosen at all. */
  static boolean anyAmong(Collection<String> names) {
    return names.stream().filter(name -> name.endsWith(".safetensors")).count() == 1
        || names.stream().anyMatch(name -> WEIGHTS.matcher(name).matches());
  }

  void into(Selection selection) throws InterruptedException {
    if (preset == Preset.DIFFUSERS_FP16 && takeHalf(selection)) {
      return;
    }
    if (take(BASES, SAFETENSORS, selection)) {
      if (preset == Preset.DIFFUSERS_FP16) {
        selection.note("%s has no variant fp16: what there is is taken".formatted(component));
      }
      return;
    }
    var single = files.keySet().stream().filter(n -> n.endsWith(".safetensors")).toList();
    if (single.size() == 1) {
      selection.add(path(single.getFirst()));
      return;
    }
    if (preset == Preset.SAFETENSORS_ONLY) {
      leaveOutPickles(selection);
      return;
    }
    for (var format : PICKLE_FORMATS) {
      if (take(PICKLE_BASES, format, selection)) {
        return;
      }
    }
    selection.lacks(component, "a file of weights such as model.safetensors");
  }

  /** As diffusers with {@code variant="fp16"}: component by component. */
  private boolean takeHalf(Selection selection) throws InterruptedException {
    for (var base : BASES) {
      if (take(base, "fp16", SAFETENSORS, selection)) {
        return true;
      }
    }
    return false;
  }

  private void leaveOutPickles(Selection selection) throws InterruptedException {
    for (var format : PICKLE_FORMATS) {
      var pickles = new Selection();
      if (take(PICKLE_BASES, format, pickles)) {
        selection.leavesOut(component, pickles.pickles().getFirst());
        return;
      }
    }
    selection.lacks(component, "a file of weights such as model.safetensors");
  }

  private boolean take(List<String> bases, String format, Selection selection)
      throws InterruptedException {
    for (var base : bases) {
      if (take(base, "", format, selection)) {
        return true;
      }
      for (var variant : variants(base, format)) {
        if (take(base, variant, format, selection)) {
          selection.note("%s has its weights only as the variant %s".formatted(component, variant));
          return true;
        }
      }
    }
    return false;
  }

  private boolean take(String base, String variant, String format, Selection selection)
      throws InterruptedException {
    var infix = variant.isEmpty() ? "" : "." + variant;
    var whole = base + infix + "." + format;
    if (files.containsKey(whole)) {
      add(whole, format, selection);
      return true;
    }
    var indexName = base + "." + format + ".index" + infix + ".json";
    if (!files.containsKey(indexName)) {
      // as older versions of diffusers named it
      indexName = base + "." + format + infix + ".index.json";
    }
    var index = files.get(indexName);
    if (index == null) {
      return false;
    }
    add(indexName, format, selection);
    var shards = new TreeSet<String>();
    documents.read(index).path("weight_map").forEach(shard -> shards.add(shard.asString("")));
    if (shards.isEmpty()) {
      selection.lacks(component, "a weight_map in " + index.path());
    }
    for (var shard : shards) {
      if (files.containsKey(shard)) {
        add(shard, format, selection);
      } else {
        selection.lacks(component, "the shard " + shard);
      }
    }
    return true;
  }

  private void add(String name, String format, Selection selection) {
    if (format.equals(SAFETENSORS)) {
      selection.add(path(name));
    } else {
      selection.addPickle(path(name));
    }
  }

  /** The variants that there are of a base, those first that lose least. */
  private List<String> variants(String base, String format) {
    var file =
        Pattern.compile(
            Pattern.quote(base) + "\\.([^.]+?)(-\\d+-of-\\d+)?\\." + Pattern.quote(format));
    var index = Pattern.compile(Pattern.quote(base + "." + format) + "\\.index\\.([^.]+)\\.json");
    var found = new TreeSet<String>();
    for (var name : files.keySet()) {
      for (var match : List.of(file.matcher(name), index.matcher(name))) {
        if (match.matches()) {
          found.add(match.group(1));
        }
      }
    }
    var ordered = new ArrayList<>(VARIANTS);
    ordered.retainAll(found);
    found.removeAll(ordered);
    ordered.addAll(found);
    return ordered;
  }

  private String path(String name) {
    var file = files.get(name);
    if (file == null) {
      throw new IllegalArgumentException("no file " + name);
    }
    return file.path();
  }
}
