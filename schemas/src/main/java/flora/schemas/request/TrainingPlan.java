package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import flora.schemas.request.KeepPlan.SavePrecision;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What to train and how, or what to make of adapters; one record for each task. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "task")
public sealed interface TrainingPlan {

  /**
   * Adapters are added to the weights of the request's model.
   *
   * @param adapters at least one
   */
  @JsonTypeName("adapter-merge")
  record AdapterMerge(List<AdapterUse> adapters) implements TrainingPlan {
    public AdapterMerge {
      adapters = List.copyOf(adapters);
    }
  }

  /**
   * An adapter is written in other programs' keys.
   *
   * @param adapters the one
   * @param adapterForms for which programs
   * @param savePrecision of the matrices; null = as they are stored
   */
  @JsonTypeName("adapter-convert")
  record AdapterConvert(
      List<AdapterUse> adapters,
      List<AdapterForm> adapterForms,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable SavePrecision savePrecision)
      implements TrainingPlan {
    public AdapterConvert {
      adapters = List.copyOf(adapters);
      adapterForms = List.copyOf(adapterForms);
      if (adapters.size() != 1) {
        throw new IllegalArgumentException("one adapter is converted at a time");
      }
    }

    /** The one. */
    public AdapterUse adapter() {
      return adapters.getFirst();
    }
  }

  /** Whose keys an adapter has. */
  enum AdapterForm {
    /** sd-scripts' and the WebUIs'. */
    @JsonProperty("kohya")
    KOHYA,
    /** diffusers'. */
    @JsonProperty("diffusers")
    DIFFUSERS,
    /** peft's. */
    @JsonProperty("peft")
    PEFT
  }

  /**
   * A LoRA for a Stable Diffusion UNet, trained as {@code train_text_to_image_lora.py} of diffusers
   * does.
   *
   * <p>In JSON the parts lie flat beside one another: no two of them have a key of one name. A
   * request is frozen for as long as its run lives, so a key that came later may be absent, and its
   * absence means the same for ever; the parts' constructors say what.
   *
   * @param preset the preset that the others come from where nothing was said; null = none was
   *     named
   * @param network what is trained
   * @param optimizer how it is learned, and for how long
   * @param objective what a good answer is
   * @param pictures how pictures are cut
   * @param captions what becomes of captions
   * @param compute what computes, and how
   * @param keep what is kept
   * @param validation how it is judged
   * @param previews what is drawn meanwhile
   * @param seed of everything random
   */
  @JsonTypeName("text-to-image")
  record StableDiffusionLora(
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String preset,
      @JsonUnwrapped NetworkPlan network,
      @JsonUnwrapped OptimizerPlan optimizer,
      @JsonUnwrapped ObjectivePlan objective,
      @JsonUnwrapped PicturePlan pictures,
      @JsonUnwrapped CaptionPlan captions,
      @JsonUnwrapped ComputePlan compute,
      @JsonUnwrapped KeepPlan keep,
      @JsonUnwrapped ValidationPlan validation,
      @JsonUnwrapped PreviewPlan previews,
      long seed)
      implements TrainingPlan {

    /** What a request asks for that says nothing of training but that there is some. */
    public static StableDiffusionLora defaults() {
      return new StableDiffusionLora(
          null,
          new NetworkPlan(),
          new OptimizerPlan(),
          new ObjectivePlan(),
          new PicturePlan(),
          new CaptionPlan(),
          new ComputePlan(),
          new KeepPlan(),
          new ValidationPlan(),
          new PreviewPlan(),
          0);
    }

    /** With this to train, all else as it is. */
    public StableDiffusionLora with(NetworkPlan part) {
      return new StableDiffusionLora(
          preset,
          part,
          optimizer,
          objective,
          pictures,
          captions,
          compute,
          keep,
          validation,
          previews,
          seed);
    }

    /** Learned this way, all else as it is. */
    public StableDiffusionLora with(OptimizerPlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          part,
          objective,
          pictures,
          captions,
          compute,
          keep,
          validation,
          previews,
          seed);
    }

    /** With this aim, all else as it is. */
    public StableDiffusionLora with(ObjectivePlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          part,
          pictures,
          captions,
          compute,
          keep,
          validation,
          previews,
          seed);
    }

    /** With pictures cut so, all else as it is. */
    public StableDiffusionLora with(PicturePlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          objective,
          part,
          captions,
          compute,
          keep,
          validation,
          previews,
          seed);
    }

    /** With captions treated so, all else as it is. */
    public StableDiffusionLora with(CaptionPlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          objective,
          pictures,
          part,
          compute,
          keep,
          validation,
          previews,
          seed);
    }

    /** Computed this way, all else as it is. */
    public StableDiffusionLora with(ComputePlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          objective,
          pictures,
          captions,
          part,
          keep,
          validation,
          previews,
          seed);
    }

    /** With this kept, all else as it is. */
    public StableDiffusionLora with(KeepPlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          objective,
          pictures,
          captions,
          compute,
          part,
          validation,
          previews,
          seed);
    }

    /** Judged this way, all else as it is. */
    public StableDiffusionLora with(ValidationPlan part) {
      return new StableDiffusionLora(
          preset, network, optimizer, objective, pictures, captions, compute, keep, part, previews,
          seed);
    }

    /** With this drawn meanwhile, all else as it is. */
    public StableDiffusionLora with(PreviewPlan part) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          objective,
          pictures,
          captions,
          compute,
          keep,
          validation,
          part,
          seed);
    }

    /** With another seed, all else as it is. */
    public StableDiffusionLora withSeed(long another) {
      return new StableDiffusionLora(
          preset,
          network,
          optimizer,
          objective,
          pictures,
          captions,
          compute,
          keep,
          validation,
          previews,
          another);
    }
  }

  /** Courses of the learning rate, as diffusers and transformers name them. */
  enum LrScheduler {
    @JsonProperty("constant")
    CONSTANT,
    @JsonProperty("constant_with_warmup")
    CONSTANT_WITH_WARMUP,
    @JsonProperty("linear")
    LINEAR,
    @JsonProperty("cosine")
    COSINE,
    @JsonProperty("cosine_with_restarts")
    COSINE_WITH_RESTARTS,
    @JsonProperty("polynomial")
    POLYNOMIAL
  }

  /** Number formats of the computation. */
  enum MixedPrecision {
    @JsonProperty("no")
    NO,
    @JsonProperty("fp16")
    FP16,
    @JsonProperty("bf16")
    BF16
  }
}
