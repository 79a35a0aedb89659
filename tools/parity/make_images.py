#!/usr/bin/env python3
"""Writes the awkward pictures that ImageDecoderTest and ResamplingTest read, with what Pillow makes of them.

    python make_images.py OUT_DIR        # Pillow 13
"""
import io, struct, sys, zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import save_file

out = Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)
golden = {}


def picture(w=29, h=21):
    """Coloured edges and a gradient: chroma subsampling and order of channels show."""
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([x * 255 // w, y * 255 // h, (x + y) * 255 // (w + h)], -1).astype(np.uint8)
    a[h // 3 : h // 2, w // 4 : w // 2] = (230, 20, 30); a[h // 2 :, w // 2 : w // 2 + 3] = (10, 40, 220)
    return Image.fromarray(a)


def keep(name, data, expect=None):
    (out / name).write_bytes(data)
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    golden[name] = torch.from_numpy(np.asarray(im).copy() if expect is None else expect)


def saved(im, fmt, **kw):
    b = io.BytesIO(); im.save(b, fmt, **kw); return b.getvalue()


def exif(n):
    e = Image.Exif(); e[0x0112] = n; return e


def png(w, h, depth, colour, rows, *extra):
    chunk = lambda t, d: struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, 0)) + b"".join(chunk(t, d) for t, d in extra) \
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b"")


p = picture()
for n, s in (("444", 0), ("422", 1), ("420", 2)):
    keep(f"s{n}.jpg", saved(p, "JPEG", quality=85, subsampling=s))
keep("s411.jpg", saved(p, "JPEG", quality=85, subsampling="4:1:1"))
h = bytearray(saved(picture(32, 32), "JPEG", quality=85, subsampling="4:2:2")); k = h.find(b"\xff\xc0"); assert h[k + 11] == 0x21; h[k + 11] = 0x12
keep("s440.jpg", bytes(h))                                       # as many blocks, so it stays a whole (if scrambled) picture
keep("progressive.jpg", saved(p, "JPEG", quality=80, progressive=True))
keep("restart.jpg", saved(p, "JPEG", quality=80, restart_marker_blocks=1))
keep("grey.jpg", saved(p.convert("L"), "JPEG", quality=80))
keep("rgb.jpg", saved(p, "JPEG", quality=90, keep_rgb=True))
j = saved(p, "JPEG", quality=90); n = struct.unpack(">H", j[4:6])[0]
keep("no_jfif.jpg", j[:2] + j[4 + n :])
c = saved(p.convert("CMYK"), "JPEG", quality=90)
keep("cmyk.jpg", c)
a = c.index(b"Adobe"); keep("ycck.jpg", c[: a + 11] + b"\2" + c[a + 12 :])
for k in range(1, 9):
    keep(f"exif{k}.jpg", saved(picture(13, 8), "JPEG", quality=90, exif=exif(k)))
xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
keep("xmp6.jpg", j[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + j[2:])

rgb = np.asarray(p); alpha = (np.arange(21 * 29) % 256).astype(np.uint8).reshape(21, 29)
keep("exif8.png", saved(p, "PNG", exif=exif(8)))
keep("rgba.png", saved(Image.fromarray(np.dstack([rgb, alpha])), "PNG"))
keep("la.png", saved(Image.merge("LA", [p.convert("L"), Image.fromarray(alpha)]), "PNG"))
keep("one_bit.png", saved(p.convert("1"), "PNG"))
q = p.quantize(9); keep("palette.png", saved(q, "PNG")); keep("palette_alpha.png", saved(q, "PNG", transparency=bytes([0, 128] + [255] * 7)))
keep("rgb_key.png", saved(p, "PNG", transparency=(230, 20, 30)))
keep("grey2.png", png(4, 2, 2, 0, [bytes([0b00011011]), bytes([0b11100100])])); keep("grey4.png", png(4, 1, 4, 0, [bytes([0x05, 0xAF])]))
wide = rng.integers(0, 65536, (5, 6, 4), dtype=np.uint16)
keep("rgb16.png", png(6, 5, 16, 2, [r[:, :3].astype(">u2").tobytes() for r in wide]))
keep("rgba16.png", png(6, 5, 16, 6, [r.astype(">u2").tobytes() for r in wide]))
grey = (wide[..., 0] >> 8).astype(np.uint8)                      # wanted difference: Pillow cuts off at 255
keep("grey16.png", png(6, 5, 16, 0, [r[:, 0].astype(">u2").tobytes() for r in wide]), np.stack([grey] * 3, -1))
keep("gamma.png", png(29, 21, 8, 0, [r[:, 0].tobytes() for r in rgb], (b"gAMA", struct.pack(">I", 100000))))
keep("plain.gif", saved(q, "GIF")); keep("transparent.gif", saved(q, "GIF", transparency=3))
keep("plain.bmp", saved(p, "BMP")); keep("one_bit.bmp", saved(p.convert("1"), "BMP")); keep("palette.bmp", saved(q, "BMP"))
keep("plain.tiff", saved(p, "TIFF")); keep("lzw6.tiff", saved(p, "TIFF", compression="tiff_lzw", exif=exif(6)))
for f in out.iterdir():
    f.chmod(0o644)

resized = {}
for f in (Image.LANCZOS, Image.BILINEAR, Image.BICUBIC, Image.BOX, Image.HAMMING):
    for w, h in ((11, 9), (40, 50), (29, 5), (7, 21), (20, 3), (28, 4), (60, 10), (1, 1)):
        resized[f"{int(f)}/{w}x{h}"] = torch.from_numpy(np.asarray(p.resize((w, h), f)).copy())
save_file({"source": torch.from_numpy(rgb.copy()), **resized}, str(out / "resized.safetensors"))
save_file(golden, str(out / "decoded.safetensors"))
for n in ("resized", "decoded"):
    (out / f"{n}.safetensors").chmod(0o644)

# which pass comes first, for the comment in Resampling
for _ in range(4000):
    w, h, W, H = (int(x) for x in rng.integers(3, 80, 4))
    if w == W or h == H: continue
    im = Image.fromarray(rng.integers(0, 255, (h, w, 3), dtype=np.uint8)); r = np.asarray(im.resize((W, H), Image.BICUBIC))
    hv = np.asarray(im.resize((W, h), Image.BICUBIC).resize((W, H), Image.BICUBIC)); vh = np.asarray(im.resize((w, H), Image.BICUBIC).resize((W, H), Image.BICUBIC))
    assert np.array_equal(r, vh if H < h and h - H > 2 * (w - W) else hv), (w, h, W, H)
