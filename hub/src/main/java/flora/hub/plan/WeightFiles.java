package flora.hub.plan;

import flora.hub.HubFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Chooses the weights of one folder: one format, one precision, whole or in shards. File names are
 * those of diffusers and transformers: {@code base[.variant][-00001-of-00002].safetensors} with
 * {@code base.safetensors.index[.variant].json} for shards.
 */
final class WeightFiles {

  private static final List<String> BASES =
      List.of("diffusion_pytorch_model", "model", "adapter_model");
  private static final List<String> VARIANTS = List.of("fp16", "bf16", "ema", "non_ema");
  private static final Pattern SAFETENSORS =
      Pattern.compile(
          "(?<base>[^.]+)(\\.(?<variant>[^.]+?))?(?<shard>-\\d+-of-\\d+)?\\.safetensors");
  private static final Pattern INDEX =
      Pattern.compile("(?<base>[^.]+)\\.safetensors\\.index(\\.(?<variant>[^.]+))?\\.json");
  private static final Pattern PICKLE =
      Pattern.compile(
          "(diffusion_pytorch_model|pytorch_model|model|adapter_model)(-\\d+-of-\\d+)?"
              + "\\.(bin|ckpt|pt|pth)|pytorch_model\\.bin\\.index\\.json");

  private final String component;
  private final Map<String, HubFile> files;
  private final Documents documents;

  /**
   * @param files of one folder, by name without the folder
   */
  WeightFiles(String component, Map<String, HubFile> files, Documents documents) {
    this.component = component;
    this.files = new TreeMap<>(files);
    this.documents = documents;
  }

  void into(Selection selection) throws InterruptedException {
    for (var base : BASES) {
      if (take(base, "", selection)) {
        return;
      }
      for (var variant : variants(base)) {
        if (take(base, variant, selection)) {
          selection.note("%s has its weights only as the variant %s".formatted(component, variant));
          return;
        }
      }
    }
    var single = files.keySet().stream().filter(n -> n.endsWith(".safetensors")).toList();
    if (single.size() == 1) {
      selection.add(path(single.getFirst()));
      return;
    }
    var pickles = files.keySet().stream().filter(n -> PICKLE.matcher(n).matches()).toList();
    if (pickles.isEmpty()) {
      selection.lacks(component, "a file of weights such as model.safetensors");
    } else {
      selection.hasPickles(component, pickles.stream().map(this::path).toList());
    }
  }

  private boolean take(String base, String variant, Selection selection)
      throws InterruptedException {
    var infix = variant.isEmpty() ? "" : "." + variant;
    var whole = base + infix + ".safetensors";
    if (files.containsKey(whole)) {
      selection.add(path(whole));
      return true;
    }
    var index = files.get(base + ".safetensors.index" + infix + ".json");
    if (index == null) {
      return false;
    }
    selection.add(index.path());
    var shards = new TreeSet<String>();
    documents.read(index).path("weight_map").forEach(shard -> shards.add(shard.asString("")));
    if (shards.isEmpty()) {
      selection.lacks(component, "a weight_map in " + index.path());
    }
    for (var shard : shards) {
      if (files.containsKey(shard)) {
        selection.add(path(shard));
      } else {
        selection.lacks(component, "the shard " + shard);
      }
    }
    return true;
  }

  /** The variants that there are of a base, those first that lose least. */
  private List<String> variants(String base) {
    var found = new TreeSet<String>();
    for (var name : files.keySet()) {
      for (var match : List.of(SAFETENSORS.matcher(name), INDEX.matcher(name))) {
        if (match.matches() && match.group("base").equals(base) && match.group("variant") != null) {
          found.add(match.group("variant"));
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
