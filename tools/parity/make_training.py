#!/usr/bin/env python3
"""Writes what diffusers and peft make of made-up numbers, for the tests of flora.models.train, and the windows of long texts.

    python make_training.py MODELS TRAIN.json WINDOWS.json        MODELS holds tiny-sd in diffusers' layout

Losses and windows follow sd-scripts' rules, written down here once more.
"""
import json, math, sys

import torch
from diffusers import DDPMScheduler, EulerAncestralDiscreteScheduler, UNet2DConditionModel
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer

models, out = sys.argv[1], {}
num = lambda t: [float(f"{v:.9g}") for v in torch.as_tensor(t, dtype=torch.float64).flatten().tolist()]
short = lambda t: [float(f"{v:.6g}") for v in torch.stack(list(t)).double().tolist()]
SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
wave = lambda n, a, b, s=1.0: (s * torch.sin(a * torch.arange(n, dtype=torch.float64) + b)).float()

# --- courses of the rate
courses = []
for name, kw in (("cosine_with_restarts", dict(num_cycles=1)), ("cosine_with_restarts", dict(num_cycles=3)), ("polynomial", dict(power=1.0)), ("polynomial", dict(power=2.5))):
    o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4); s = get_scheduler(name, o, num_warmup_steps=3, num_training_steps=20, **kw); rates = []
    for _ in range(24): rates.append(s.get_last_lr()[0] / 2e-4); o.step(); s.step()
    courses.append(dict(name=name, warmup=3, total=20, **kw, factors=num(rates)))
out["courses"] = courses

# --- the moving average
averages = []
for decay in (0.9999, 0.3):
    p = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5])); e = EMAModel([p], decay=decay); seen = []
    for k in range(1, 13):
        with torch.no_grad(): p.copy_(torch.tensor([1.0, -2.0, 0.5]) + wave(3, 1.1, 0.7 * k))
        e.step([p]); seen.append(e.shadow_params[0].clone())
    averages.append(dict(decay=decay, after=num(torch.stack(seen))))
out["averages"] = averages

# --- Euler ancestral with given noise; the network and the start are those of make_schedulers.py
import diffusers.schedulers.scheduling_euler_ancestral_discrete as ea
x0 = torch.tensor([1.2, -0.4, 0.05, 2.1, -1.7, 0.6]); i = torch.arange(6, dtype=torch.float64); samplers = []
for steps, kw in ((1, {}), (5, {}), (12, {}), (7, dict(timestep_spacing="leading", steps_offset=1)), (7, dict(timestep_spacing="trailing")), (6, dict(prediction_type="v_prediction")),
                  (6, dict(prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing")), (6, dict(use_karras_sigmas=True))):
    s = EulerAncestralDiscreteScheduler.from_config({**SD, **kw}); s.set_timesteps(steps); x = x0 * s.init_noise_sigma; after, scales = [], []
    for k, t in enumerate(s.timesteps):
        ea.randn_tensor = lambda shape, k=k, **_: wave(6, 1.7, 0.9 * k + 0.3)
        z = s.scale_model_input(x, t); scales.append((z[0] / x[0]).item())
        y = (0.8 * torch.sin(0.37 * i + 0.11 * k + 0.001 * float(t)) + 0.1 * z.double()).float()
        x = s.step(y, t, x, return_dict=False)[0]; after.append(x)
    samplers.append(dict(kind="EULER_ANCESTRAL", config={**SD, **kw}, steps=steps, timesteps=num(s.timesteps.double()), initial_sigma=float(s.init_noise_sigma), input_scales=num(scales), after=num(torch.stack(after))))
out["samplers"] = samplers

# --- losses and their gradients: an adapter with several ranks on every kind of layer of tiny-sd
def threshold(c, by, ns, t):
    if by == "constant": return torch.full((len(t),), c)
    if by == "exponential": return torch.exp(math.log(c) * t / ns.config.num_train_timesteps)
    a = ns.alphas_cumprod[t]; sigma = ((1 - a) / a) ** 0.5
    return (1 - c) / (1 + sigma) ** 2 + c
def distance(y, target, kind, c):
    d = y - target
    if kind == "l1": return d.abs()
    if kind == "l2": return d ** 2
    c = c.view(-1, 1, 1, 1)
    return (2 * c if kind == "huber" else 2) * ((d ** 2 + c ** 2).sqrt() - c)
KERNELS = ["conv1", "conv2", "downsamplers.0.conv", "upsamplers.0.conv"]
plain = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv_shortcut", "time_emb_proj"]
unet = UNet2DConditionModel.from_pretrained(f"{models}/tiny-sd/unet").eval().requires_grad_(False); width = unet.config.cross_attention_dim
model = get_peft_model(unet, LoraConfig(r=4, lora_alpha=2, use_rslora=True, target_modules=plain + KERNELS, rank_pattern={k: 2 for k in KERNELS}, alpha_pattern={k: 1 for k in KERNELS}))
trained = [(n.replace("base_model.model.", "").replace(".default", ""), p) for n, p in model.named_parameters() if p.requires_grad]
with torch.no_grad():
    for n, p in trained: p.copy_(wave(p.numel(), 0.37, 0.01 * len(n), 0.1).view(p.shape))
count = 2 * 4 * 8 * 8; shape = (2, 4, 8, 8)
latents, noise = wave(count, 0.61, 0.2).view(shape), wave(count, 1.3, 0.5, 1.4).view(shape); offset = wave(8, 2.1, 0.4).view(2, 4, 1, 1); context = wave(2 * 7 * width, 0.83, 0.1).view(2, 7, width)
losses = []
for prediction, kind, c, by, gamma, strength, zero in (("epsilon", "l2", 0.1, "snr", None, 0.1, False), ("epsilon", "l1", 0.1, "snr", 5.0, 0.0, False), ("epsilon", "huber", 0.1, "snr", None, 0.0, False), ("v_prediction", "huber", 0.2, "exponential", 5.0, 0.05, False),
                                                       ("v_prediction", "smooth_l1", 0.1, "constant", None, 0.0, True), ("sample", "smooth_l1", 0.3, "exponential", None, 0.0, False)):
    ns = DDPMScheduler(**SD, prediction_type=prediction, rescale_betas_zero_snr=zero); t = torch.tensor([37, 999 if zero else 811]); n = noise + strength * offset
    target = {"epsilon": n, "sample": latents}.get(prediction); target = ns.get_velocity(latents, n, t) if target is None else target
    y = model(ns.add_noise(latents, n, t), t, context).sample
    each = distance(y, target, kind, threshold(c, by, ns, t)).mean([1, 2, 3]); weighted = each
    if gamma is not None:
        snr = ns.alphas_cumprod[t] / (1 - ns.alphas_cumprod[t]); w = torch.clamp(snr, max=gamma); weighted = each * (w / snr if prediction == "epsilon" else w / (snr + 1))
    loss = weighted.mean(); grads = torch.autograd.grad(loss, [p for _, p in trained])
    losses.append(dict(prediction=prediction.upper().replace("V_PREDICTION", "VELOCITY"), kind=kind, c=c, by=by.upper(), gamma=gamma, offset=strength, zero=zero, timesteps=t.tolist(), each=num(each), loss=loss.item(),
                       norms=short([g.norm() for g in grads][len(losses) % 4::4]), projections=short([(g.flatten().double() * wave(g.numel(), 0.71, 0.3).double()).sum() for g in grads][len(losses) % 4::4])))
out["losses"] = dict(parameters=[n for n, _ in trained], cases=losses)

# --- windows of long texts
windows = []
texts = ["", "a red circle", " ".join(f"{k} green star" for k in range(30)), "x " * 74 + "y z w"]
for pad in ("end", "other"):
    tok = AutoTokenizer.from_pretrained(f"{models}/tiny-sd/tokenizer", use_fast=True)
    if pad == "other": tok.pad_token = "!"
    for limit in (75, 150, 225):
        for text in texts:
            ids = tok(text, padding="max_length", truncation=True, max_length=limit + 2).input_ids
            rows = [ids] if limit == 75 else [[ids[0], *ids[k:k + 75], ids[-1]] for k in range(1, limit + 1, 75)]
            if pad == "other" and limit > 75:
                for row in rows:
                    if row[-2] not in (tok.eos_token_id, tok.pad_token_id): row[-1] = tok.eos_token_id
                    if row[1] == tok.pad_token_id: row[1] = tok.eos_token_id
            windows.append(dict(pad=pad, limit=limit, text=text, ids=rows))
for path, what in ((sys.argv[2], out), (sys.argv[3], windows)):
    with open(path, "w") as f: json.dump(what, f, separators=(",", ":"), ensure_ascii=False)
print({k: len(v) for k, v in out.items()}, len(windows))
