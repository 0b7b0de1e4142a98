"""References of scaled rotations: transformers 5.18 (torch 2.13, float32) over the weights of ../architectures.

For each architecture and variant: fields of config.json that are changed (null takes one away), and what the model gives
for ids[:12] (shorter than the original length of 16), ids[:40] (longer), and 12 greedy tokens after ids[:12].

    python make.py
"""

import json
import random
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

here = Path(__file__).parent
golden = here.parent / "architectures"
names = ["mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "granitemoe"]
SHORT, LONG, NEW, ROWS = 12, 40, 12, [20, 39]


def variants(pairs):
    short = [1 + 0.1 * i for i in range(pairs)]
    long = [1.5 + 0.7 * i for i in range(pairs)]
    old = {"rope_parameters": None, "rope_theta": 10000.0}
    new = lambda **parameters: {"rope_parameters": {"rope_theta": 10000.0, **parameters}}
    return {
        "linear, as rope_scaling": {**old, "rope_scaling": {"type": "linear", "factor": 4}},
        "llama3": new(
            rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
        ),
        "dynamic": {**old, "max_position_embeddings": 16, "rope_scaling": {"rope_type": "dynamic", "factor": 2.5}},
        "yarn": new(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
        "yarn, all options": new(
            rope_type="yarn", factor=4.0, original_max_position_embeddings=16,
            beta_fast=8.0, beta_slow=0.5, mscale=1.0, mscale_all_dim=0.6, truncate=False,
        ),
        "yarn, attention factor, as rope_scaling": {
            **old,
            "rope_scaling": {"type": "yarn", "factor": 3.0, "attention_factor": 0.8, "original_max_position_embeddings": 16},
        },
        "longrope": new(
            rope_type="longrope", short_factor=short, long_factor=long, original_max_position_embeddings=16
        ),
        "longrope, length beside, as rope_scaling": {
            **old,
            "original_max_position_embeddings": 16,
            "rope_scaling": {"type": "longrope", "factor": 6.0, "short_factor": short, "long_factor": long},
        },
    }


def model_of(name, changes):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(golden / name / "model.safetensors", folder)
        config = json.loads((golden / name / "config.json").read_text())
        config = {**config, **changes}
        if config.get("head_dim", 0) is None:  # which transformers cannot scale rotations of
            config["head_dim"] = config["hidden_size"] // config["num_attention_heads"]
        config = {key: value for key, value in config.items() if key not in changes or value is not None}
        (Path(folder) / "config.json").write_text(json.dumps(config))
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def logits_of(name, changes, ids):
    with torch.no_grad():  # a model of its own: dynamic rotations remember the longest sequence they saw
        return model_of(name, changes)(torch.tensor([ids])).logits[0]


random.seed(12)
cases, tensors = [], {}
for name in names:
    config = json.loads((golden / name / "config.json").read_text())
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    ids = [random.randrange(3, config["vocab_size"]) for _ in range(LONG)]
    for variant, changes in variants(head // 2).items():
        key = f"{name}/{variant}"
        long = logits_of(name, changes, ids)
        tensors[f"{key}/short"] = logits_of(name, changes, ids[:SHORT])[-1].clone()
        tensors[f"{key}/long"] = long[ROWS].clone()
        made = model_of(name, changes).generate(
            torch.tensor([ids[:SHORT]]), attention_mask=torch.ones(1, SHORT, dtype=torch.long), do_sample=False,
            max_new_tokens=NEW, min_new_tokens=NEW, eos_token_id=None, pad_token_id=0,
            output_logits=True, return_dict_in_generate=True,
        )
        tensors[f"{key}/decoded"] = made.logits[-1][0].clone()
        cases.append({
            "name": name, "variant": variant, "changes": changes, "ids": ids,
            "argmax": long.argmax(-1).tolist(), "generated": made.sequences[0, SHORT:].tolist(),
        })
        plain = logits_of(name, {"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}, ids)
        print(key, f"{(long - plain).abs().max():.3f}", flush=True)
(here / "cases.json").write_text(json.dumps(cases, separators=(",", ":")).replace('},{"name"', '},\n{"name"') + "\n")
save_file(tensors, here / "logits.safetensors")
