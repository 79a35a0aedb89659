"""Writes checkpoints with PyTorch, pickled as users have them, and the same tensors as safetensors.

    python make_pickles.py ../../tensor-files/src/test/resources/flora/tensors/pickle

Needs torch==2.7.1 and safetensors.
"""

import pathlib
import random
import sys
from collections import OrderedDict

import torch
from safetensors.torch import save_file

here = pathlib.Path(sys.argv[1])
torch.manual_seed(1)
random.seed(1)


def tensors():
    shared = torch.arange(12, dtype=torch.float32)
    fused = torch.randn(6, 5)
    return {
        "f32": torch.randn(3, 4),
        "f16": torch.randn(5).half(),
        "bf16": torch.randn(2, 3).bfloat16(),
        "f64": torch.randn(2, dtype=torch.float64),
        "i64": torch.tensor([1, -2, 2**62]),
        "i32": torch.tensor([[1], [-2]], dtype=torch.int32),
        "i16": torch.tensor([7, -7], dtype=torch.int16),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(3.5),
        "empty": torch.empty(0, 7),
        "transposed": torch.randn(4, 3).t(),
        "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
        "sliced": fused[1:5, ::2],
        "rows": fused[2:4],
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
        "tied.a": shared,
        "tied.b": shared,
        "tied.part": shared[3:7].view(2, 2),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "ünïcode.名前": torch.ones(1),
    }


def reference(values, name):
    plain = {k: v.detach().clone().contiguous() for k, v in values.items()}
    save_file(plain, here / name, {"format": "pt"})


values = tensors()
for protocol in (1, 2, 3, 4, 5):
    torch.save(values, here / f"zip{protocol}.bin", pickle_protocol=protocol)
for protocol in (2, 4):
    torch.save(
        values,
        here / f"legacy{protocol}.bin",
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=False,
    )
reference(values, "values.safetensors")

wide = {
    "u16": torch.tensor([1, 65535], dtype=torch.uint16),
    "e4m3": torch.randn(4).to(torch.float8_e4m3fn),
    "e5m2": torch.randn(4).to(torch.float8_e5m2),
    "c64": torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64),
}
torch.save(wide, here / "wide.bin")
reference(wide, "wide.safetensors")



def view():
    """A tensor as slicing, turning and repeating leave it."""
    base = torch.arange(720, dtype=torch.int16).reshape(random.choice([(720,), (24, 30), (8, 9, 10)]))
    for _ in range(random.randint(0, 5)):
        d = random.randrange(base.dim())
        match random.randint(0, 5):
            case 0:
                base = base.permute(*random.sample(range(base.dim()), base.dim()))
            case 1:
                base = base.narrow(d, base.shape[d] // 3, base.shape[d] // 2)
            case 2:
                base = base[(slice(None),) * d + (slice(1, None, random.randint(1, 3)),)]
            case 3:
                base = base.unsqueeze(d)
            case 4 if base.shape[d] == 1:
                base = base.expand(*[3 if i == d else -1 for i in range(base.dim())])
            case 5 if base.dim() > 1 and base.shape[d]:
                base = base.select(d, base.shape[d] // 2)
    return base


views = {f"view{i}": view() for i in range(60)}
torch.save(views, here / "views.bin")
reference(views, "views.safetensors")

parameter = torch.nn.Parameter(torch.ones(2))
parameter.note = "a Parameter with attributes has a rebuild function of its own"
module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
trained = {
    "epoch": 7,
    "global_step": 2**40,
    "pytorch-lightning_version": "1.4.2",
    "best": 0.25,
    "done": True,
    "nothing": None,
    "raw": b"\x00\xff",
    "betas": (0.9, 0.999),
    "state_dict": module.state_dict(),  # an OrderedDict with the attribute _metadata
    "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}],
    "extra": {"parameter": parameter, "size": torch.Size([1, 2]), "dtype": torch.bfloat16},
}
torch.save(trained, here / "trained.ckpt")
reference(OrderedDict(module.state_dict()), "trained.safetensors")

script = torch.jit.script(torch.nn.Linear(1, 1))
script.save(here / "script.pt")
torch.save(module, here / "module.bin")  # the whole module: a pickle of classes
for file in here.iterdir():
    file.chmod(0o644)
