#!/usr/bin/env python3
"""Writes models/src/test/resources/flora/models/image/phash.csv: imagehash.phash of the test pictures.

Needs Pillow and imagehash. The pictures are turned upright and converted to RGB first, as ImageDecoder does.
"""

import csv
import pathlib

import imagehash
from PIL import Image, ImageOps

RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "models/src/test/resources"
FOLDERS = ("flora/models/image", "parity/images")
# Java scales 16-bit grey, which Pillow cuts off; a table is no picture
LEFT_OUT = ("grey16.png",)


def main() -> None:
    with open(RESOURCES / "flora/models/image/phash.csv", "w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["file", "phash"])
        for folder in FOLDERS:
            for file in sorted((RESOURCES / folder).iterdir()):
                if file.suffix in (".csv", ".safetensors") or file.name in LEFT_OUT:
                    continue
                with Image.open(file) as picture:
                    upright = ImageOps.exif_transpose(picture).convert("RGB")
                table.writerow([f"{folder}/{file.name}", imagehash.phash(upright)])


if __name__ == "__main__":
    main()
