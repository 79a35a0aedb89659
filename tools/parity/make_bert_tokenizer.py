#!/usr/bin/env python3
"""Writes what transformers makes of texts with a BERT tokenizer under other settings than the usual ones.

    python make_bert_tokenizer.py TINY_BLIP OUT.json

Each variant is a tokenizer_config.json beside the model's tokenizer.json or vocab.txt.
"""
import json, shutil, sys, tempfile
from pathlib import Path

from transformers import AutoTokenizer

src, variants = Path(sys.argv[1]), []
special = dict(tokenizer_class="BertTokenizer", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]")
texts = ["Naïve CAFÉ — déjà vu", "一个红色的圆形 and 猫", "it's they're we'll I've don't 5 . ?", "a red circle , a blue square !", "[DEC] a [MASK] RED [CLS]", "x\u00ady\u200bz\u2028w",
         "½ ² Ⅷ ٣ ₂", "\u1e9b\u0323 \u0345 ΟΔΟΣ", "a" * 100 + " " + "a" * 101, "«red» “blue” a_b-c+d", "I\u0307 \u0130", "\U0001F600 red", "a\u0000b\ufffdc\ue000d\td", "isn't n't 'm"]
for files in (["tokenizer.json"], ["vocab.txt"]):
    for settings in (dict(do_lower_case=False), dict(strip_accents=False), dict(do_lower_case=False, strip_accents=True, clean_up_tokenization_spaces=True), dict(tokenize_chinese_chars=False, bos_token="[DEC]"), dict()):
        with tempfile.TemporaryDirectory() as d:
            for f in files:
                shutil.copy(src / f, d)
            (Path(d) / "tokenizer_config.json").write_text(json.dumps(dict(special, **settings)))
            (Path(d) / "config.json").write_text('{"model_type": "bert"}')
            t = AutoTokenizer.from_pretrained(d)
            variants.append(dict(files=files, config=dict(special, **settings), bos=t.bos_token_id, size=len(t), texts=[
                dict(text=x, ids=t(x)["input_ids"], decoded=t.decode(t(x)["input_ids"], skip_special_tokens=True)) for x in texts]))
Path(sys.argv[2]).write_text(json.dumps(variants, ensure_ascii=False, separators=(",", ":")).replace("},{", "},\n{") + "\n", encoding="utf-8")
