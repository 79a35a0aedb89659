#!/usr/bin/env python3
"""Writes how diffusers maps the keys of single-file Stable Diffusion 1 models, and CLIP's ids of some prompts.

    python make_single_file.py BPE_TXT_GZ OUT_DIR

keys.json.gz: for each of three sets of sizes and each network, the file's key and the shape for every key of diffusers.
The candidates come from the published layout; diffusers' own conversion must give back every tensor of the network from them.
ids.json: the ids of transformers' CLIPTokenizerFast with OpenAI's whole vocabulary.
"""
import gzip, json, re, sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizerFast

bpe, out = Path(sys.argv[1]), Path(sys.argv[2]); out.mkdir(parents=True, exist_ok=True)
UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."


def unet_name(k, layers, n_blocks, up_types):
    res = dict([("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"), ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection")])
    top = dict([("time_embedding.linear_1", "time_embed.0"), ("time_embedding.linear_2", "time_embed.2"), ("conv_in", "input_blocks.0.0"), ("conv_norm_out", "out.0"), ("conv_out", "out.2")])
    for a, b in top.items():
        if k.startswith(a + "."): return b + k[len(a):]
    m = re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)", k)
    if m:
        way, i, kind, j, rest = m[1], int(m[2]), m[3], int(m[4]), m[5]
        name = "input_blocks" if way == "down" else "output_blocks"
        n = 1 + i * (layers + 1) + j if way == "down" else i * (layers + 1) + j
        if kind == "attentions": return f"{name}.{n}.1.{rest}"
        if kind == "downsamplers": return f"input_blocks.{1 + i * (layers + 1) + layers}.0.op.{rest.split('.')[-1]}"
        if kind == "upsamplers": return f"output_blocks.{i * (layers + 1) + layers}.{2 if 'CrossAttn' in up_types[i] else 1}.{rest}"
        part, leaf = rest.rsplit(".", 1)
        return f"{name}.{n}.0.{res[part]}.{leaf}"
    m = re.match(r"mid_block\.(\w+)\.(\d+)\.(.*)", k)
    if m[1] == "attentions": return f"middle_block.1.{m[3]}"
    part, leaf = m[3].rsplit(".", 1)
    return f"middle_block.{2 * int(m[2])}.{res[part]}.{leaf}"


def vae_name(k, n_blocks):
    k = k.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    k = k.replace("mid_block.attentions.0.", "mid.attn_1.")
    if "attn_1" in k:
        for a, b in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")): k = k.replace("attn_1." + a, "attn_1." + b)
    k = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", k)
    k = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", k)
    k = re.sub(r"up_blocks\.(\d+)\.resnets", lambda m: f"up.{n_blocks - 1 - int(m[1])}.block", k)
    k = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", k)
    return re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{n_blocks - 1 - int(m[1])}.upsample", k)


def proven(model, name, prefix, convert, **kw):
    keys = {k: prefix + name(k) for k in model.state_dict()}
    assert len(set(keys.values())) == len(keys)
    file = {s: torch.full((1, 1, 1), float(i)) if re.search(r"attn_1\.(q|k|v|proj_out)\.weight", s) else torch.full((1,), float(i)) for i, s in enumerate(keys.values())}
    back = convert(dict(file), dict(model.config), **kw)
    assert set(back) == set(keys), set(back) ^ set(keys)
    for i, k in enumerate(keys): assert back[k].flatten()[0].item() == i, k
    return keys


def shaped(model, keys):
    return {k: [s, list(model.state_dict()[k].shape)] for k, s in keys.items()}


def sizes(unet, vae, text):
    with torch.device("meta"):
        u, v, t = UNet2DConditionModel(**unet), AutoencoderKL(**vae), CLIPTextModel(CLIPTextConfig(**text))
    n = len(u.config.block_out_channels)
    return dict(unet_config=unet, vae_config=vae, text_config=text,
                unet=shaped(u, proven(u, lambda k: unet_name(k, u.config.layers_per_block, n, u.config.up_block_types), UNET, convert_ldm_unet_checkpoint)),
                vae=shaped(v, proven(v, lambda k: vae_name(k, len(v.config.block_out_channels)), VAE, convert_ldm_vae_checkpoint)),
                text=shaped(t, {k: TEXT + k for k in t.state_dict() if "position_ids" not in k}))


A, D, U, C = "CrossAttnDownBlock2D", "DownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"
text = dict(vocab_size=64, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=1, max_position_embeddings=77)
vae = lambda c, n: dict(block_out_channels=c, layers_per_block=n, down_block_types=["DownEncoderBlock2D"] * len(c), up_block_types=["UpDecoderBlock2D"] * len(c))
result = {
    "sd15": sizes(dict(block_out_channels=[320, 640, 1280, 1280], down_block_types=[A, A, A, D], up_block_types=[U, C, C, C], layers_per_block=2, cross_attention_dim=768, attention_head_dim=8),
                  vae([128, 256, 512, 512], 2), dict(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, max_position_embeddings=77)),
    "three": sizes(dict(block_out_channels=[32, 64, 64], down_block_types=[D, A, A], up_block_types=[C, C, U], layers_per_block=1, cross_attention_dim=64, attention_head_dim=8), vae([32, 64], 1), text),
    "deep": sizes(dict(block_out_channels=[32, 32, 96, 64], down_block_types=[A, D, A, A], up_block_types=[C, C, U, C], layers_per_block=3, cross_attention_dim=64, attention_head_dim=8, transformer_layers_per_block=2, use_linear_projection=True), vae([32, 96, 64], 3), text),
}
(out / "keys.json.gz").write_bytes(gzip.compress(json.dumps(result, separators=(",", ":")).encode(), mtime=0))

letters = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
chars = [chr(b) for b in letters] + [chr(256 + i) for i in range(256 - len(letters))]
merges = gzip.open(bpe).read().decode().split("\n")[1:49152 - 256 - 2 + 1]
vocab = chars + [c + "</w>" for c in chars] + ["".join(m.split()) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
(out / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(vocab)})); (out / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
tok = CLIPTokenizerFast(str(out / "vocab.json"), str(out / "merges.txt"))
texts = ["a photo of an astronaut riding a horse on mars", "A Painting of a Fox in the style of Starry Night", "", "1girl, solo, long hair, (masterpiece:1.2)", "don't we're I'll", "café naïve Zürich", "日本の桜", "Привет мир", "😀🎨",
         "3.14159 and 2,718", "a" * 120, "antidisestablishmentarianism", "<|startoftext|> x", "hello\tworld\n\nagain", "e\u0301 vs é", "ΣΑΣ Σ", "8k uhd, dslr, f/1.8", "--ar 16:9", "snow_white-dress", "ÅÄÖ ßẞ", "¿qué? ¡sí!", "مرحبا", "a red circle!!!", "trending on artstation"]
(out / "ids.json").write_text(json.dumps([dict(text=x, ids=tok(x)["input_ids"]) for x in texts], ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
(out / "vocab.json").unlink(); (out / "merges.txt").unlink()
print(len(vocab), tok(texts[0])["input_ids"])
