#!/usr/bin/env python3
"""Asks kohya's sd-scripts which bucket a picture of a size falls into, for BucketsTest.

usage: make_buckets.py SD_SCRIPTS_FOLDER OUT.csv

Only the two definitions that decide are taken out of their files and run: the files themselves
import all of torch.
"""

import ast
import csv
import logging
import math
import random
import sys
import typing
from pathlib import Path

import numpy as np

WANTED = {
    "library/model_util.py": {"make_bucket_resolutions"},
    "library/train_util.py": {"BucketManager"},
}


def load(folder):
    space = {"math": math, "np": np, "random": random, "logger": logging.getLogger()}
    space.update({name: getattr(typing, name) for name in ("Tuple", "List", "Optional", "Union")})
    for file, names in WANTED.items():
        tree = ast.parse(Path(folder, file).read_text(encoding="utf-8"))
        for node in tree.body:
            if getattr(node, "name", None) in names:
                exec(compile(ast.Module([node], []), file, "exec"), space)
    space["model_util"] = type("model_util", (), space)
    return space["BucketManager"]


def main(folder, out):
    manager = load(folder)
    rules = [
        (512, 512, 256, 1024, 64, False),
        (512, 768, 256, 1024, 64, False),
        (768, 768, 384, 1280, 32, False),
        (640, 448, 256, 896, 8, False),
        (512, 512, 256, 1024, 64, True),
        (640, 448, 256, 896, 32, True),
    ]
    numbers = random.Random(7)
    sizes = [(512, 512), (1024, 1024), (1, 4000), (4000, 1), (256, 1024), (640, 448), (511, 513)]
    sizes += [(numbers.randint(64, 4096), numbers.randint(64, 4096)) for _ in range(60)]
    with open(out, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            "max_width,max_height,min,max,step,no_upscale,width,height,"
            "bucket_width,bucket_height,resized_width,resized_height".split(",")
        )
        for rule in rules:
            width, height, least, most, step, no_upscale = rule
            buckets = manager(no_upscale, (width, height), least, most, step)
            if not no_upscale:
                buckets.make_buckets()
            for size in sizes:
                try:
                    bucket, resized, _ = buckets.select_bucket(*size)
                except (ZeroDivisionError, AssertionError):
                    bucket, resized = (0, 0), (0, 0)
                if 0 in bucket:
                    bucket, resized = (0, 0), (0, 0)
                table.writerow([width, height, least, most, step, int(no_upscale), *size, *bucket, *resized])


if __name__ == "__main__":
    main(*sys.argv[1:])
