#!/usr/bin/env python3
"""Loads what ./flora label wrote with the real datasets library and holds it against the table itself.

    python3 -m venv venv && venv/bin/pip install datasets pillow
    ./flora label --input DIR --output DIR/metadata.csv     # or metadata.jsonl
    venv/bin/python tools/imagefolder/check.py DIR

Every row of the table must come back: the picture opens, text and label are the table's.
"""

import csv
import json
import pathlib
import sys
import tempfile

import datasets


def table(folder: pathlib.Path) -> list[dict]:
    lines = folder / "metadata.jsonl"
    if lines.exists():
        # str.splitlines would cut at U+2028 and others that may stand inside a caption
        return [json.loads(line) for line in lines.read_text(encoding="utf-8").split("\n") if line]
    with open(folder / "metadata.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    rows = table(folder)
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train", cache_dir=cache)
        paths = loaded.cast_column("image", datasets.Image(decode=False))["image"]
        by_path = {pathlib.Path(each["path"]).resolve(): i for i, each in enumerate(paths)}
        wrong = []
        for row in rows:
            at = by_path.pop((folder / row["file_name"]).resolve(), None)
            if at is None:
                wrong.append(f"{row['file_name']}: not loaded")
                continue
            try:
                got = loaded[at]
                got["image"].load()
            except OSError as e:
                wrong.append(f"{row['file_name']}: {e}")
                continue
            for key in set(row) - {"file_name"}:
                if got.get(key) != row[key]:
                    wrong.append(f"{row['file_name']}: {key} is {got.get(key)!r}, not {row[key]!r}")
        wrong += [f"{path}: loaded, and not in the table" for path in by_path]
    print(f"{len(rows)} rows, {len(loaded)} loaded, datasets {datasets.__version__}: {len(wrong)} wrong")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
