#!/usr/bin/env python3
"""Writes models/src/test/resources/flora/models/image/cuts.csv: what parts of resized test pictures are in training.

Needs Pillow, numpy and torchvision. Each line is a digest of the fp32 numbers that torchvision's resize, crop, flip,
ToTensor and Normalize([0.5], [0.5]) make of a picture.
"""

import csv
import hashlib
import pathlib
import random

import numpy as np
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode, functional

RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "models/src/test/resources"
FILES = ("exif6.jpg", "gray.png", "panorama.png", "rgb_square.png", "tall.png", "wide.png")


def main() -> None:
    numbers = random.Random(3)
    with open(RESOURCES / "flora/models/image/cuts.csv", "w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow("file,resized_width,resized_height,left,top,width,height,mirrored,sha256".split(","))
        for name in FILES:
            with Image.open(RESOURCES / "parity/images" / name) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
            for mirrored in (0, 1):
                width, height = 8 * numbers.randint(2, 12), 8 * numbers.randint(2, 12)
                wide, high = width + numbers.randint(0, 40), height + numbers.randint(0, 40)
                left, top = numbers.randint(0, wide - width), numbers.randint(0, high - height)
                part = functional.resize(upright, [high, wide], InterpolationMode.BILINEAR)
                part = functional.crop(part, top, left, height, width)
                part = functional.hflip(part) if mirrored else part
                values = functional.normalize(functional.to_tensor(part), [0.5], [0.5]).numpy()
                digest = hashlib.sha256(np.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest()
                table.writerow([name, wide, high, left, top, width, height, mirrored, digest])


if __name__ == "__main__":
    main()
