package flora.schemas.request;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.schemas.ErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RefusedRequestTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // numbers out of their range, or not numbers
        "{train: {lora_rank: 0}}|/train/lora_rank|from 1 to 1024",
        "{r: 1025}|/r|from 1 to 1024",
        "{r: 8.5}|/r|whole number",
        "{r: \"8\"}|/r|the text \"8\"",
        "{r: eight}|/r|whole number",
        "{r: 0x10}|/r|whole number",
        "{r: [8]}|/r|not a list",
        "{lora_alpha: 0}|/lora_alpha|above 0",
        "{dropout: 1}|/dropout|below 1",
        "{dropout: -0.1}|/dropout|at least 0",
        "{learning_rate: .nan}|/learning_rate|a number",
        "{learning_rate: 1e999}|/learning_rate|at most 10",
        "{learning_rate: fast}|/learning_rate|not fast",
        "{resolution: 500}|/resolution|multiple of 8",
        "{train_batch_size: 99999999999999999999}|/train_batch_size|from 1 to 1024",
        "{epochs: 0}|/epochs|from 1",
        "{save_steps: -1}|/save_steps|from 1",
        "{fp16: maybe}|/fp16|true or false",
        "{mixed_precision: fp8}|/mixed_precision|one of no, fp16, bf16",
        "{target_modules: []}|/target_modules|at least one",
        "{target_modules: [to_q, [x]]}|/target_modules|a list",
        "{dataset: {label: {threshold: 2}}}|/dataset/label/threshold|at most 1",
        "{dataset: {label: {top_k: 0}}}|/dataset/label/top_k|from 1",
        "{dataset: {label: {templates: [photo]}}}|/dataset/label/templates|contain {}",
        "{dataset: {label: {templates: []}}}|/dataset/label/templates|not be empty",
        "{dataset: {label: {labels: {a: nonsense}}}}|/dataset/label/labels|by kind",
        "{dataset: {label: {labels: {a: []}}}}|/dataset/label/labels|by kind",
        "{dataset: {label: {labels: cat}}}|/dataset/label/labels|by kind",
        "{dataset: {label: {caption_model: a/b}}}|/dataset/label/caption_model|no use",
        "{dataset: {label: {prompt: a photo of}}}|/dataset/label/prompt|no use with labeler clip",
        "{dataset: {label: {num_beams: 5}}}|/dataset/label/num_beams|no use with labeler clip",
        "{dataset: {label: {num_beams: 17}}}|/dataset/label/num_beams|from 1 to 16",
        "{dataset: {label: {early_stopping: maybe}}}|/dataset/label/early_stopping|false or never",
        "{dataset: {label: {length_penalty: 11}}}|/dataset/label/length_penalty|at most 10",
        "{dataset: {label: {repetition_penalty: 0}}}|/dataset/label/repetition_penalty|above 0",
        "{dataset: {label: {labeler: none, top_k: 4}}}|/dataset/label/top_k|labeler none",
        "{dataset: {label: {labeler: none, prefix: a}}}|/dataset/label/prefix|labeler none",
        "{dataset: {label: {labeler: blip, mode: multi}}}|/dataset/label/mode|labeler blip",
        "{dataset: {label: {token_limit: 2}}}|/dataset/label/token_limit|at least 3",
        "{dataset: {label: {target: zero-shot}}}|/dataset/label/labels|one list of labels",
        "{dataset: {label: {replace: [a]}}}|/dataset/label/replace|a map",
        "{dataset: {label: {replace: {a: ''}}}}|/dataset/label/replace|a map",
        "{dataset: {label: {min_new_tokens: 31}}}|/dataset/label/min_new_tokens|labeler clip",
        "{train: {}, dataset: {check_only: true}}|/dataset/check_only|no version of the dataset",
        "{lr_warmup_steps: 5}|/lr_warmup_steps|no effect",
        // keys
        "{lora_rnak: 8}|/lora_rnak|unknown key 'lora_rnak'",
        "{network_dim: 8}|/network_dim|kohya calls lora_rank",
        "{num_train_epochs: 8}|/num_train_epochs|diffusers calls epochs",
        "{train: {lr: 1}}|/train/lr|another tool calls learning_rate",
        "{preset: style}|/preset|one of needed",
        "{train: {lerning_rate: 1}}|/train/lerning_rate|unknown key",
        "{model: {lora_rank: 8}}|/model/lora_rank|does not belong here",
        "{train: 5}|/train|must be an object",
        "{model: x/y}|/model|must be an object",
        "{r: 8, lora_rank: 4}|/lora_rank|r (/r) and lora_rank (/lora_rank)",
        "{lora_rank: 8, train: {lora_rank: 4}}|/train/lora_rank|(/lora_rank) and lora_rank (/train",
        "{fp16: true, mixed_precision: bf16}|/fp16|mixed_precision",
        "{dataset: {name: other}}|/train_data_dir|different things",
        "{dataset: {hub: me/other}}|/dataset/hub|different things",
        "{eval_steps: 10}|/eval_steps|without validation_split",
        "{lr_warmup_ratio: 0.1}|/lr_warmup_ratio|lr_scheduler constant",
        "{lr_scheduler: cosine, lr_num_cycles: 2}|/lr_num_cycles|cosine_with_restarts",
        "{lr_scheduler: linear, lr_power: 2}|/lr_power|without lr_scheduler: polynomial",
        "{lr_scheduler: polynomial, learning_rate: 1e-7}|/learning_rate|must be above",
        "{init_adapter: ./mine.safetensors}|/init_adapter|does not see your disk",
        "{init_adapter: run_1}|/init_adapter|a run's id",
        "{init_adapter: 's3://flora-datasets/a.safetensors'}|/init_adapter|s3://flora-models",
        "{init_adapter: s3://flora-models/a.ckpt}|/init_adapter|ends in .safetensors",
        "{train_unet: false}|/train_unet|neither the UNet nor the text encoder",
        "{text_encoder_lr: 1e-5}|/text_encoder_lr|without train_text_encoder: true",
        "{text_encoder_target_modules: [fc1]}|/text_encoder_target_modules|without train_text",
        "{train_text_encoder: true, text_encoder_target_modules: []}"
            + "|/text_encoder_target_modules|at least one",
        "{train_unet: false, train_text_encoder: true, conv_rank: 2}|/conv_rank|train_unet: true",
        "{max_token_length: 100}|/max_token_length|multiple of 75",
        "{huber_c: 0.2}|/huber_c|without loss_type: huber",
        "{loss_type: l1, huber_schedule: constant}|/huber_schedule|without loss_type: huber",
        "{min_timestep: 500, max_timestep: 500}|/min_timestep|not below max_timestep 500",
        "{prediction_type: epsilon, zero_terminal_snr: true}|/zero_terminal_snr|pure noise",
        "{enable_bucket: true, min_bucket_reso: 1088}|/min_bucket_reso|max_bucket_reso 1024",
        "{enable_bucket: true, bucket_reso_steps: 320}|/bucket_reso_steps|min_bucket_reso 256",
        // names
        "{name: ../x}|/name|[a-z0-9]",
        "{name: Big}|/name|[a-z0-9]",
        "{name: a..b}|/name|[a-z0-9]",
        "{dataset: {name: a/b}}|/dataset/name|[a-z0-9]",
        "{output_dir: ./out/..}|/output_dir|[a-z0-9]",
        "{pretrained_vae: a/b/c}|/pretrained_vae|owner/name",
        "{pretrained_vae: a/..}|/pretrained_vae|owner/name",
        "{pretrained_vae: a/b@../../x}|/pretrained_vae|revision",
        "{tokenizer_name: \"a b\"}|/tokenizer_name|owner/name",
        "{dataset: {label: {labeler: none, model: a/b}}}|/dataset/label/model|no use"
      })
  void saysWhichFieldAndWhatWasExpected(String flow, String pointer, String message) {
    var e = refused(merged(flow));

    assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
    assertThat(e.pointer()).isEqualTo(pointer);
    assertThat(e).hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{task: causal-lm}|/task",
        "{train: {task: image-classification}}|/train/task",
        "{bias: all}|/bias",
        "{resolution_height: 768}|/resolution_height",
        "{metadata_path: ./x.jsonl}|/metadata_path",
        "{pretrained_vae: s3://flora-models/x}|/pretrained_vae",
        "{validation_epochs: 2}|/validation_epochs",
        "{train: {devices: [0, 1]}}|/train/devices",
        "{use_dora: true}|/use_dora",
        "{sample_every_n_epochs: 2}|/sample_every_n_epochs",
        "{resolution: \"512,768\"}|/resolution",
        "{train: {batch_size_auto: true}}|/train/batch_size_auto",
        "{device: cpu}|/device"
      })
  void whatIsKnownButNotThereIsSaidAndNeverIgnored(String flow, String pointer) {
    var e = refused(merged(flow));

    assertThat(e.code()).isEqualTo(ErrorCode.NOT_SUPPORTED_YET);
    assertThat(e.pointer()).isEqualTo(pointer);
    assertThat(e.hint()).isNotBlank();
  }

  @Test
  void aMistypedKeyBringsTheNearest() {
    assertThat(refused("learning_rte: 1").hint()).isEqualTo("did you mean learning_rate?");
    assertThat(refused("train: {lora_rnak: 1}").hint()).isEqualTo("did you mean lora_rank?");
    assertThat(refused("modell: {base_model: a/b}").hint()).isEqualTo("did you mean model?");
    assertThat(refused("model: {xyzzyqwerty: 1}").hint()).contains("base_model");
  }

  @Test
  void namesOfOtherToolsBringOurs() {
    assertThat(refused("network_dim: 8").hint())
        .isEqualTo("write lora_rank in train, or send all of the request with ?dialect=kohya");
    assertThat(refused("pretrained_model_name_or_path: a/b").hint())
        .startsWith("write base_model in model");
  }

  @Test
  void aModelFileOnSomebodysDiskIsNotFound() {
    var e = refused("base_model: ./models/Stable-diffusion/mine.safetensors");
    assertThat(e.code()).isEqualTo(ErrorCode.MODEL_NOT_FOUND);
    assertThat(e)
        .hasMessageContaining("disk")
        .hasMessageContaining("flora-models")
        .hasMessageContaining("well-known");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/etc", "~/pictures", "C:\\pictures", "..", "./data/Big Letters"})
  void aFolderThatNamesNoDatasetIsRefused(String folder) {
    var e = refused("train_data_dir: '" + folder + "'");

    assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
    assertThat(e.pointer()).isEqualTo("/train_data_dir");
  }

  @Test
  void partsThatNeedEachOtherAreAskedFor() {
    assertThat(refused("").pointer()).isEmpty();
    assertThat(refused("model: {}").pointer()).isEqualTo("/model/base_model");
    assertThat(refused("dataset: {}").pointer()).isEqualTo("/dataset/name");
    assertThat(refused("train: {}").pointer()).isEqualTo("/model");
    assertThat(refused("model: {base_model: a/b}\ntrain: {}").pointer()).isEqualTo("/dataset");
    assertThat(refused("base_model: a/b\nr: 8").pointer()).isEqualTo("/dataset");
    assertThat(refused("[1]").pointer()).isEmpty();
  }

  @Test
  void aBombIsRefusedAsARequest() {
    var e =
        refused(
            """
            a: &a [x, x, x, x, x, x, x, x, x]
            b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
            c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
            """);

    assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
    assertThat(e).hasMessageContaining("aliases");
  }

  @Test
  void jsonNumbersAndTextsAreNotTakenForEachOther() {
    assertThat(refusedJson("{\"name\": 5}").pointer()).isEqualTo("/name");
    assertThat(refusedJson("{\"r\": \"8\"}").pointer()).isEqualTo("/r");
    assertThat(refusedJson("{\"center_crop\": \"true\"}").pointer()).isEqualTo("/center_crop");
    assertThat(refusedJson("{\"r\": true}").pointer()).isEqualTo("/r");
  }

  @Test
  void aDialectThatNobodySpeaksIsRefused() {
    assertThat(code("a: b".getBytes(UTF_8), ContentKind.YAML, "klingon"))
        .isEqualTo(ErrorCode.REQUEST_INVALID);
  }

  /** A small sound flat request with one more thing in it. */
  private static String merged(String flow) {
    return "{base_model: a/b, train_data_dir: x, " + flow.substring(1, flow.length() - 1) + "}";
  }

  private static RequestException refused(String yaml) {
    return catchThrowableOfType(
        RequestException.class, () -> RequestReader.read(yaml.getBytes(UTF_8), ContentKind.YAML));
  }

  private static RequestException refusedJson(String json) {
    return catchThrowableOfType(
        RequestException.class, () -> RequestReader.read(json.getBytes(UTF_8), ContentKind.JSON));
  }

  private static ErrorCode code(byte[] document, ContentKind kind, String dialect) {
    return catchThrowableOfType(
            RequestException.class, () -> RequestReader.read(document, kind, dialect))
        .code();
  }
}
