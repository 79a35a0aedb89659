#!/usr/bin/env python3
"""Writes a CLIP tokenizer as older repositories have it, and what the peers make of texts with it.

    python make_clip_tokenizer.py TINY_CLIP OUT_DIR

Merges as strings, ``!`` as the padding token, one special token found before and one after normalising.
"""
import json, sys
from pathlib import Path

from transformers import AutoTokenizer

src, out = Path(sys.argv[1]), Path(sys.argv[2]); out.mkdir(parents=True, exist_ok=True)
t = json.loads((src / "tokenizer.json").read_text())
t["model"]["merges"] = [" ".join(m) for m in t["model"]["merges"]]
for k in ("type", "ignore_merges", "byte_fallback"):
    t["model"].pop(k)
for a in t["added_tokens"]:
    a["normalized"] = a["content"] == "<|startoftext|>"
t["added_tokens"].insert(0, dict(id=0, content="!", single_word=False, lstrip=False, rstrip=False, normalized=False, special=True))
t["added_tokens"].append(dict(id=834, content="<My Style>", single_word=False, lstrip=False, rstrip=False, normalized=True, special=False))
for k in ("use_regex",):
    t["pre_tokenizer"]["pretokenizers"][1].pop(k, None)
(out / "tokenizer.json").write_text(json.dumps(t, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
special = dict(bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>", pad_token="!")
(out / "tokenizer_config.json").write_text(json.dumps(dict(special, model_max_length=16, tokenizer_class="CLIPTokenizer"), indent=1) + "\n")
tok = AutoTokenizer.from_pretrained(out)
texts = ["a red circle!", "!!", "hi!there", "<|ENDOFTEXT|> a", "<|STARTOFTEXT|> a", "a<|endoftext|>b", "in <my style>, red", "in <MY  Style> red", "ΟΔΟΣ ΣΑΣ Σ", "İstanbul ıI",
         "x\u0085y\u2028z", "e\u0301e\u0300 \u1e9b\u0323", "'S 'll'm", "a" * 3000, "ab" * 400 + "!", "½ ² Ⅷ ٣", "\u200d\ufe0f\ufffd", "\U0001F468\u200D\U0001F469", ""]
(out / "expected.json").write_text(json.dumps([dict(text=x, ids=tok(x)["input_ids"], padded=tok(x, padding="max_length", truncation=True)["input_ids"]) for x in texts], ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
