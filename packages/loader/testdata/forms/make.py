"""One random weight in each form in which checkpoints come quantized, and the numbers that its codes stand for.

numpy 2 and torch 2.13 (for 8-bit floats and safetensors) in float32; packed and decoded by the definitions of GPTQModel,
AutoAWQ, compressed-tensors and ModelOpt, integer by integer, not by their code. Writes weights.safetensors (tensors
`<case>/<name>`) and configs.json (quantization_config of each case).
"""
import json
import numpy as np
import torch
from safetensors.torch import save_file

rng = np.random.default_rng(15)
N = 24
tensors, configs = {}, {}


def words(fields, bits):
    """Integers [..., n], packed along the last axis from the lowest bit: int32 [..., ceil(n * bits / 32)]."""
    n = fields.shape[-1]
    out = np.zeros((*fields.shape[:-1], -(-n * bits // 32)), dtype=np.uint64)
    for i in range(n):
        word, shift = divmod(i * bits, 32)
        value = fields[..., i].astype(np.uint64) << np.uint64(shift)
        out[..., word] |= value & np.uint64(0xFFFFFFFF)
        if shift + bits > 32:
            out[..., word + 1] |= value >> np.uint64(32)
    return torch.from_numpy(out.astype(np.uint32).view(np.int32))


def case(name, config, parts, decoded):
    configs[name] = config
    for key, value in parts.items():
        tensors[f"{name}/{key}"] = value.clone().contiguous()
    tensors[f"{name}/dequantized"] = torch.from_numpy(np.ascontiguousarray(decoded.astype(np.float32)))


def half(shape, dtype=torch.float16):
    return torch.from_numpy(rng.uniform(0.001, 0.05, shape).astype(np.float32)).to(dtype)


def gptq(name, bits, version, order=False, K=64, g=32):
    G = -(-K // g)
    q = rng.integers(0, 2**bits, (N, K))
    z = rng.integers(1, 2**bits, (N, G))
    s = half((N, G))
    index = rng.permutation(np.arange(K) // g) if order else np.arange(K) // g
    stored = z if version == 2 else z - 1
    parts = {
        "P.qweight": words(q, bits).T,
        "P.qzeros": words(stored.T, bits),
        "P.scales": s.T,
        "P.g_idx": torch.from_numpy(index.astype(np.int32)),
    }
    config = {"quant_method": "gptq", "bits": bits, "group_size": g, "desc_act": order,
              "checkpoint_format": "gptq_v2" if version == 2 else "gptq"}
    case(name, config, parts, (q - z[:, index]) * s.float().numpy()[:, index])


for bits in (2, 3, 4, 8):
    gptq(f"gptq-v1-{bits}", bits, 1, K=64 if bits != 3 else 96)
gptq("gptq-v2-4", 4, 2)
gptq("gptq-v2-8", 8, 2)
gptq("gptq-act-order", 4, 1, order=True)

K, g = 64, 32
q, z, s = rng.integers(0, 16, (N, K)), rng.integers(0, 16, (N, K // g)), half((N, K // g))
order = [0, 2, 4, 6, 1, 3, 5, 7]
turn = lambda x: words(x.T.reshape(x.shape[1], N // 8, 8)[..., order].reshape(x.shape[1], N), 4)
case("awq", {"quant_method": "awq", "bits": 4, "group_size": g, "version": "gemm", "zero_point": True},
     {"P.qweight": turn(q), "P.qzeros": turn(z), "P.scales": s.T}, (q - z.repeat(g, 1)) * s.float().numpy().repeat(g, 1))


def compressed(name, bits, g, symmetric=True, K=64, order=False):
    group = g or K
    G = -(-K // group)
    low = -(2 ** (bits - 1))
    q = rng.integers(low, -low, (N, K))
    z = np.zeros((N, G), dtype=np.int64) if symmetric else rng.integers(low, -low, (N, G))
    s = half((N, G), torch.bfloat16)
    index = rng.permutation(np.arange(K) // group) if order else np.arange(K) // group
    parts = {"P.weight_packed": words(q - low, bits), "P.weight_scale": s,
             "P.weight_shape": torch.tensor([N, K], dtype=torch.int64)}
    if not symmetric:
        parts["P.weight_zero_point"] = words((z - low).T, bits).T
    if order:
        parts["P.weight_g_idx"] = torch.from_numpy(index.astype(np.int32))
    weights = {"num_bits": bits, "type": "int", "symmetric": symmetric, "strategy": "group" if g else "channel",
               "group_size": g, "actorder": "group" if order else None}
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized",
              "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    case(name, config, parts, (q - z[:, index]) * s.float().numpy()[:, index])


compressed("ct-int4", 4, 32)
compressed("ct-int4-asymmetric", 4, 32, symmetric=False)
compressed("ct-int4-channel", 4, None)
compressed("ct-int4-cut", 4, 20, K=60)
compressed("ct-int4-act-order", 4, 32, order=True)
compressed("ct-int8-channel", 8, None)
compressed("ct-int8-asymmetric", 8, 32, symmetric=False)


def ct(fmt, weights):
    return {"quant_method": "compressed-tensors", "format": fmt, "ignore": ["lm_head"],
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}}


w8 = torch.from_numpy(rng.normal(0, 100, (N, 64)).astype(np.float32)).clamp(-448, 448).to(torch.float8_e4m3fn)
row, one = half((N, 1), torch.bfloat16), half((1,), torch.float32)
extra = {"P.input_scale": half((1,), torch.float32)}
case("ct-fp8-channel", ct("float-quantized", {"num_bits": 8, "type": "float", "strategy": "channel"}),
     {"P.weight": w8, "P.weight_scale": row}, w8.float().numpy() * row.float().numpy())
case("ct-fp8-tensor", ct("float-quantized", {"num_bits": 8, "type": "float", "strategy": "tensor"}),
     {"P.weight": w8, "P.weight_scale": one, **extra}, w8.float().numpy() * one.numpy())
block = half((2, 3), torch.float32)
grown = block.numpy().repeat(16, 0)[:N].repeat(24, 1)[:, :64]
case("ct-fp8-block", ct("float-quantized", {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [16, 24]}),
     {"P.weight": w8, "P.weight_scale": block}, w8.float().numpy() * grown)
case("fp8-tensor", {"quant_method": "fp8", "activation_scheme": "static"},
     {"P.weight": w8, "P.weight_scale": one.reshape(()), **extra}, w8.float().numpy() * one.numpy())
i8 = torch.from_numpy(rng.integers(-127, 128, (N, 64)).astype(np.int8))
case("ct-int8-rows", ct("int-quantized", {"num_bits": 8, "type": "int", "strategy": "channel"}),
     {"P.weight": i8, "P.weight_scale": row}, i8.float().numpy() * row.float().numpy())

e2m1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], dtype=np.float32)
c = rng.integers(0, 16, (N, 64))
packed = torch.from_numpy((c[:, ::2] | (c[:, 1::2] << 4)).astype(np.uint8))
s8 = torch.from_numpy(rng.uniform(1, 400, (N, 4)).astype(np.float32)).to(torch.float8_e4m3fn)
whole = torch.tensor([2688.5], dtype=torch.float32)
case("ct-nvfp4", ct("nvfp4-pack-quantized", {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}),
     {"P.weight_packed": packed, "P.weight_scale": s8, "P.weight_global_scale": whole, "P.input_global_scale": whole},
     e2m1[c] * (s8.float() / whole).numpy().repeat(16, 1))
factor = torch.tensor(0.00037, dtype=torch.float32)
case("modelopt-nvfp4", {"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16},
     {"P.weight": packed, "P.weight_scale": s8, "P.weight_scale_2": factor, "P.input_scale": factor},
     e2m1[c] * (s8.float() * factor).numpy().repeat(16, 1))
e = torch.from_numpy(rng.integers(110, 130, (N, 2)).astype(np.uint8))
case("ct-mxfp4", ct("mxfp4-pack-quantized", {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32}),
     {"P.weight_packed": packed, "P.weight_scale": e}, e2m1[c] * np.ldexp(np.float32(1), e.numpy().astype(int) - 127).repeat(32, 1))

save_file(tensors, "weights.safetensors")
with open("configs.json", "w") as file:
    json.dump(configs, file, indent=1)
    file.write("\n")
