#!/usr/bin/env python3
"""Writes the file that SafetensorsReferenceTest reads: every element type, by the reference library.

    python make_tensor_files.py OUT_DIR
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

out = Path(sys.argv[1])
i = lambda n, dtype: torch.arange(n).to(dtype)
f = lambda n, dtype: (torch.arange(n, dtype=torch.float64) / 4 - 1).to(dtype)
save_file(
    {
        "a.bool": torch.tensor([True, False, True]),
        "a.u8": i(5, torch.uint8), "a.i8": i(3, torch.int8) - 2,
        "a.u16": i(3, torch.uint16), "a.i16": i(3, torch.int16),
        "a.u32": i(3, torch.uint32), "a.i32": i(3, torch.int32),
        "a.u64": i(2, torch.uint64), "position_ids": i(4, torch.int64).reshape(1, 4),
        "a.f16": f(7, torch.float16), "a.bf16": f(7, torch.bfloat16),
        "a.f32": f(6, torch.float32).reshape(2, 3), "a.f64": f(2, torch.float64),
        "a.e4m3": f(5, torch.float8_e4m3fn), "a.e5m2": f(5, torch.float8_e5m2),
        "logit_scale": torch.tensor(2.6592), "empty": torch.zeros(0, 4),
        "ключ \"é\" 🌸": f(1, torch.float32), "键": f(1, torch.float32), "\uffee": f(1, torch.float32),
    },
    str(out / "every_dtype.safetensors"), metadata={"format": "pt"},
)
(out / "every_dtype.safetensors").chmod(0o644)
