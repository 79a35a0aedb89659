package flora.schemas.fetch;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a run wants a repository for. */
public enum RepoRole {
  @JsonProperty("base_model")
  BASE_MODEL,
  @JsonProperty("vae")
  VAE,
  @JsonProperty("tokenizer")
  TOKENIZER,
  @JsonProperty("label_model")
  LABEL_MODEL,
  /** The caption model, where it takes part beside the label model. */
  @JsonProperty("caption_model")
  CAPTION_MODEL,
  @JsonProperty("dataset")
  DATASET
}
