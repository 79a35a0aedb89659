#!/usr/bin/env python3
"""Writes what diffusers' schedulers answer to a made-up network, for SamplerTest and NoiseScheduleTest.

    python make_schedulers.py OUT.json

The "network" is a formula that the tests repeat: output[i] = 0.8 sin(0.37 i + 0.11 k + 0.001 t) + 0.1 x[i] at visit k.
"""
import json, sys

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, PNDMScheduler
from diffusers.training_utils import compute_snr

N = 6
SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
x0 = torch.tensor([1.2, -0.4, 0.05, 2.1, -1.7, 0.6])
i = torch.arange(N, dtype=torch.float64)
num = lambda t: [float(f"{v:.9g}") for v in torch.as_tensor(t, dtype=torch.float64).flatten().tolist()]


def sample(kind, cls, steps, **config):
    s = cls.from_config(dict(config)); s.set_timesteps(steps); x = x0 * s.init_noise_sigma; after, scales = [], []
    for k, t in enumerate(s.timesteps):
        z = s.scale_model_input(x, t); scales.append((z[0] / x[0]).item())
        out = (0.8 * torch.sin(0.37 * i + 0.11 * k + 0.001 * float(t)) + 0.1 * z.double()).float()
        x = s.step(out, t, x, return_dict=False)[0]; after.append(x)
    return dict(kind=kind, config=config, steps=steps, timesteps=num(s.timesteps.double()), initial_sigma=float(s.init_noise_sigma), input_scales=num(scales), after=num(torch.stack(after)))


cases = []
for steps in (1, 2, 7, 10, 20, 50):
    for kind, cls in (("DDIM", DDIMScheduler), ("EULER", EulerDiscreteScheduler), ("DPM_SOLVER", DPMSolverMultistepScheduler), ("PNDM", PNDMScheduler)):
        if steps in (7, 20): cases.append(sample(kind, cls, steps, **SD, clip_sample=False, steps_offset=1, skip_prk_steps=True, set_alpha_to_one=False))
        else: cases.append(sample(kind, cls, steps, **SD, skip_prk_steps=True, clip_sample=steps < 5))
for kind, cls in (("DDIM", DDIMScheduler), ("EULER", EulerDiscreteScheduler), ("DPM_SOLVER", DPMSolverMultistepScheduler), ("PNDM", PNDMScheduler)):
    for spacing in ("leading", "linspace", "trailing"):
        cases.append(sample(kind, cls, 7, **SD, timestep_spacing=spacing, skip_prk_steps=True))
    for p in ("epsilon", "v_prediction", "sample"):
        if not (kind == "PNDM" and p == "sample"): cases.append(sample(kind, cls, 5, **SD, prediction_type=p, clip_sample=False))
    cases.append(sample(kind, cls, 6)); cases.append(sample(kind, cls, 6, beta_schedule="squaredcos_cap_v2", num_train_timesteps=400))
    cases.append(sample(kind, cls, 4, trained_betas=[0.01 * k for k in range(1, 21)], num_train_timesteps=20))
    if kind != "PNDM": cases.append(sample(kind, cls, 6, **SD, rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing", clip_sample=False))
cases += [sample("DDIM", DDIMScheduler, 5, **SD, clip_sample_range=0.5), sample("PNDM", PNDMScheduler, 8, **SD, set_alpha_to_one=True), sample("PNDM", PNDMScheduler, 4, **SD, prediction_type="v_prediction"),
          sample("PNDM", PNDMScheduler, 30, **SD, skip_prk_steps=True, timestep_spacing="trailing")]
for kind, cls in (("EULER", EulerDiscreteScheduler), ("DPM_SOLVER", DPMSolverMultistepScheduler)):
    for kw in (dict(use_karras_sigmas=True), dict(use_exponential_sigmas=True), dict(final_sigmas_type="sigma_min"), dict(use_karras_sigmas=True, beta_schedule="squaredcos_cap_v2")):
        if kind == "DPM_SOLVER" and "beta_schedule" in kw: continue       # its first timesteps coincide, which the peer trips over
        cases.append(sample(kind, cls, 9, **{**SD, **kw}))
cases += [sample("EULER", EulerDiscreteScheduler, 6, **SD, use_karras_sigmas=True, sigma_min=0.1, sigma_max=10.0), sample("EULER", EulerDiscreteScheduler, 6, **SD, interpolation_type="log_linear")]
for kw in (dict(solver_order=1), dict(solver_order=3), dict(solver_type="heun"), dict(lower_order_final=False), dict(euler_at_final=True, final_sigmas_type="sigma_min"), dict(solver_order=3, final_sigmas_type="sigma_min", lower_order_final=False),
           dict(lambda_min_clipped=-5.1, beta_schedule="squaredcos_cap_v2"), dict(algorithm_type="deis", solver_type="logrho", final_sigmas_type="sigma_min")):
    cases += [sample("DPM_SOLVER", DPMSolverMultistepScheduler, n, **{**SD, **kw}) for n in (6, 17)]

schedules, ts = [], [0, 1, 7, 250, 499, 998, 999]
for kw in (SD, {}, dict(beta_schedule="squaredcos_cap_v2"), dict(**SD, rescale_betas_zero_snr=True, prediction_type="v_prediction"), dict(**SD, prediction_type="sample")):
    s = DDPMScheduler.from_config(dict(kw)); t = torch.tensor(ts); noise = x0.flip(0)
    rep = lambda f: num(torch.stack([f(x0[None], noise[None], torch.tensor([k]))[0] for k in ts]))
    schedules.append(dict(config=kw, timesteps=ts, betas=num(s.betas[t]), alphas_cumprod=num(s.alphas_cumprod[t]), snr=num(compute_snr(s, t)), noisy=rep(s.add_noise), velocity=rep(s.get_velocity)))
row = lambda c: json.dumps(c, separators=(",", ":"))
with open(sys.argv[1], "w") as f:
    f.write('{"schedules":[\n' + ",\n".join(map(row, schedules)) + '\n],"samplers":[\n' + ",\n".join(map(row, cases)) + "\n]}\n")
print(len(cases), "samplers", len(schedules), "schedules")
