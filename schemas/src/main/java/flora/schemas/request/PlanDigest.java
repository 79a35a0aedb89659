package flora.schemas.request;

import flora.schemas.Json;
import flora.schemas.Sha256;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The digest of a training plan, by which a checkpoint is known to belong to a training. It is that
 * of the keys of the first plans, and of those later ones whose absence would mean something else:
 * a key that is added to the plan changes no digest, so that a training goes on over an upgrade.
 */
public final class PlanDigest {

  /** The keys of the first plans, in the order in which they were written. */
  private static final List<String> FIRST =
      List.of(
          "task",
          "lora_rank",
          "lora_alpha",
          "lora_dropout",
          "target_modules",
          "resolution",
          "center_crop",
          "random_flip",
          "batch_size",
          "gradient_accumulation_steps",
          "epochs",
          "max_train_steps",
          "learning_rate",
          "lr_scheduler",
          "lr_warmup_steps",
          "adam_beta1",
          "adam_beta2",
          "adam_epsilon",
          "weight_decay",
          "max_grad_norm",
          "snr_gamma",
          "mixed_precision",
          "save_steps",
          "seed");

  private PlanDigest() {}

  /** Of a plan, however it came about. */
  public static Sha256 of(TrainingPlan plan) {
    var written = tree(plan);
    var digested = Json.mapper().createObjectNode();
    FIRST.forEach(key -> digested.set(key, written.path(key)));
    var withoutTheRest = tree(Json.mapper().treeToValue(digested, TrainingPlan.class));
    written.properties().stream()
        .filter(key -> !FIRST.contains(key.getKey()))
        .filter(key -> !key.getValue().equals(withoutTheRest.get(key.getKey())))
        .sorted(Map.Entry.comparingByKey())
        .forEach(key -> digested.set(key.getKey(), key.getValue()));
    return Sha256.sum(Json.bytes(digested));
  }

  private static ObjectNode tree(TrainingPlan plan) {
    JsonNode tree = Json.mapper().valueToTree(plan);
    return (ObjectNode) tree;
  }
}
