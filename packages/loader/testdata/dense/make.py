"""Tiny dense decoders of random weights with what transformers computes of them: python make.py [--seed N] [--out DIR] [NAME ...]"""
import argparse, json, os, shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from safetensors.torch import save_file
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

torch.set_num_threads(1)
S, F = "sliding_attention", "full_attention"
BASE = dict(vocab_size=128, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
# in the words of the hub
TABLE = {
    "llama": dict(rope_theta=500000.0, rope_scaling=LLAMA3, attention_bias=True, mlp_bias=True, tie_word_embeddings=False),
    "mistral": dict(intermediate_size=40, rope_theta=1e6, head_dim=16, sliding_window=8, tie_word_embeddings=False),
    "qwen2": dict(rope_theta=1e6, use_sliding_window=True, sliding_window=6, max_window_layers=1, tie_word_embeddings=True),
    "qwen3": dict(intermediate_size=40, rope_theta=1e6, head_dim=16, attention_bias=False, use_sliding_window=False, sliding_window=None,
                  max_window_layers=2, tie_word_embeddings=False),
    "gemma3_text": dict(num_hidden_layers=3, intermediate_size=32, head_dim=8, hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=12, rope_theta=1e6,
                        rope_local_base_freq=10000.0, rope_scaling=dict(rope_type="linear", factor=8.0), sliding_window=8,
                        sliding_window_pattern=3, final_logit_softcapping=None, attn_logit_softcapping=None),
    "smollm3": dict(num_hidden_layers=3, rope_theta=5e6, no_rope_layers=[1, 0, 1], attention_bias=False, mlp_bias=False,
                    use_sliding_window=False, sliding_window=None, tie_word_embeddings=True),
    "granite": dict(rope_theta=10000.0, embedding_multiplier=3.0, attention_multiplier=0.25, residual_multiplier=0.5,
                    logits_scaling=0.5, attention_bias=True, mlp_bias=False, tie_word_embeddings=True),
}


def make(name, words, folder, seed):
    g = torch.Generator().manual_seed(seed)
    config = CONFIG_MAPPING[name](**{k: dict(v) if isinstance(v, dict) else v for k, v in words.items()})
    model_class = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    model = model_class(config)
    less = "gemma3" in name  # norms hold their weights less one
    # a tied head: not so large that every token names itself
    scale = words.get("embedding_multiplier", words["hidden_size"] ** 0.5 if less else 1)
    embedding = 0.3 / scale if words.get("tie_word_embeddings", less) else 1
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "norm" in key:
                p.copy_((0 if less else 1) + 0.2 * torch.randn(p.shape, generator=g))
            elif key.endswith("bias"):
                p.copy_(0.2 * torch.randn(p.shape, generator=g))
            elif "embed" in key:
                p.copy_(embedding * torch.randn(p.shape, generator=g))
            else:
                p.copy_(1.5 * torch.randn(p.shape, generator=g) / p.shape[-1] ** 0.5)
        model.to(torch.bfloat16).save_pretrained(folder)
    with open(f"{folder}/config.hub.json", "w") as f:
        json.dump(words | dict(model_type=name, architectures=[model_class.__name__], torch_dtype="bfloat16"), f, indent=1)
    model = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(3, 120, (2, 24), generator=g)
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits.float().contiguous()
        for _ in range(40):
            prompt = torch.randint(3, 120, (1, 8), generator=g)
            text = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=24, do_sample=False,
                                  eos_token_id=None, pad_token_id=0)
            top = model(input_ids=text, use_cache=False).logits[0, 7:-1].topk(2)
            margin = (top.values[:, 0] - top.values[:, 1]).min().item()
            if bool((top.indices[:, 0] == text[0, 8:]).all()) and margin > 1e-3 * logits.abs().max() and 2 not in text[0, 8:]:
                break
        else:
            raise SystemExit(f"{name}: no clear greedy text, take another seed")
    out = dict(input_ids=ids.to(torch.int32), logits=logits, generate_prompt=prompt.to(torch.int32), generate_output=text.to(torch.int32))
    save_file(out, f"{folder}/reference.safetensors")
    for file in os.listdir(folder):
        os.chmod(f"{folder}/{file}", 0o644)
    size = os.path.getsize(f"{folder}/model.safetensors")
    print(f"{name}: {size} bytes, logits up to {logits.abs().max():.2f}, margin {margin:.4f}, {len(set(text[0].tolist()))} tokens in the text")


parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=31)
parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
parser.add_argument("--set", default="{}", help="fields of config.json in place of those of the table")
parser.add_argument("names", nargs="*")
args = parser.parse_args()
for name in args.names or TABLE:
    folder = f"{args.out}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    make(name, BASE | TABLE[name] | json.loads(args.set), folder, args.seed)
