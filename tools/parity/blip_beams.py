#!/usr/bin/env python3
"""Writes what transformers' search makes of some pictures, over a grid of its options.

    python blip_beams.py MODEL OUT.json [STOP ...]

The pictures are a formula, so that a test can make them itself. Each STOP is a token that ends texts instead of the
model's own: a random model hardly ever says its own. Every combination of options is tried with EACH of the pairs of a
beginning and a stop token, drawn by chance. Ids are cut behind the first stop token.
"""
import itertools, json, os, random, sys

import torch
from transformers import BlipForConditionalGeneration

PICTURES, NEW, EACH = 3, 10, int(os.environ.get("EACH", 2))
torch.set_num_threads(1)
m = BlipForConditionalGeneration.from_pretrained(sys.argv[1]).eval(); text = m.config.text_config
side = m.config.vision_config.image_size
i = torch.arange(3 * side * side, dtype=torch.float64)                     # 64 bits, rounded once
px = torch.stack([2 * torch.sin((i * i) % 1009 * 0.37 + n) for n in range(PICTURES)]).float().view(PICTURES, 3, side, side)
prompts = [[text.bos_token_id], [text.bos_token_id, 28, 148]]
stops = [text.sep_token_id] + [int(s) for s in sys.argv[3:]]
grid = list(itertools.product((2, 3, 5), (-1.0, 0.0, 1.0, 2.0), (True, False, "never"), (1.0, 1.5), (0, 2), (0, 5)))
grid += [(1, 1.0, False, rp, ng, mn) for rp in (1.0, 1.5) for ng in (0, 2) for mn in (0, 5)]   # greedy search


def cut(row, start, stop):
    return next((row[: k + 1] for k in range(start, len(row)) if row[k] == stop), row)


texts, cases = {}, []
with torch.no_grad():
    pairs, chance = list(itertools.product(range(len(prompts)), stops)), random.Random(1)
    for k, lp, es, rp, ng, mn in grid:
        for p, stop in chance.sample(pairs, min(EACH, len(pairs))):
            prompt, text.sep_token_id = prompts[p], stop
            ids = torch.tensor([prompt + [0]]).repeat(PICTURES, 1)         # generate drops the last
            out = m.generate(px, input_ids=ids, num_beams=k, do_sample=False, max_new_tokens=NEW, length_penalty=lp,
                             early_stopping=es, repetition_penalty=rp, no_repeat_ngram_size=ng, min_new_tokens=mn)
            rows = [cut(r, len(prompt), stop) for r in out.tolist()]
            cases.append([p, stop, k, lp, str(es).upper(), rp, ng, mn, [texts.setdefault(tuple(r), len(texts)) for r in rows]])
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
head = json.dumps(dict(pictures=PICTURES, max_new_tokens=NEW, prompts=prompts, texts=[list(t) for t in texts]), separators=(",", ":"))
open(sys.argv[2], "w").write(head[:-1] + ',"cases":[\n' + lines + "]}\n")
print(len(cases), "cases,", len(texts), "texts,", sum(len(t) < NEW + 1 for t in texts), "of them short")
