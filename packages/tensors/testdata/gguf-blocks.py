# Makes gguf-blocks.safetensors: blocks of random bytes of each quantized type, and what gguf-py makes of them.
# Run in this folder with gguf, numpy and safetensors installed.
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize
from safetensors.numpy import save_file

BLOCKS = 24
# bytes from the start of a block to its float16 numbers
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0], "MXFP4": [],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0],
    "TQ1_0": [52], "TQ2_0": [64],
    "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "IQ1_S": [0], "IQ1_M": [],
}
# zero, both ways, the smallest subnormals, the largest subnormal, the smallest normal, one, the largest, and its negative
EXTREMES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF]

random = np.random.default_rng(12)
tensors = {}
for name, halves in HALVES.items():
    _, size = GGML_QUANT_SIZES[T[name]]
    blocks = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for place, at in enumerate(halves):
        # of either sign, from 2^-24 to 2^15
        scales = random.integers(0, 0x7C00, BLOCKS, dtype=np.uint16) | (random.integers(0, 2, BLOCKS, dtype=np.uint16) << 15)
        extremes = np.roll(np.array(EXTREMES, dtype=np.uint16), place * 4)
        scales[: len(extremes)] = extremes
        blocks[:, at : at + 2] = scales.astype("<u2").view(np.uint8).reshape(BLOCKS, 2)
    if name == "IQ1_M":
        # the float16 is in the upper nibbles of four words
        scales = random.integers(0, 0x7C00, BLOCKS, dtype=np.uint16)
        scales[: len(EXTREMES)] = EXTREMES
        for word in range(4):
            high = (scales >> (4 * word)) & 15
            blocks[:, 49 + 2 * word] = (blocks[:, 49 + 2 * word] & 15) | (high << 4).astype(np.uint8)
    if name == "MXFP4":
        # all but NaN; the largest exponents would leave float32
        blocks[:, 0] = random.integers(0, 253, BLOCKS)
        blocks[:4, 0] = [0, 1, 2, 252]
    tensors[f"{name}.blocks"] = blocks
    tensors[f"{name}.values"] = dequantize(blocks, T[name]).astype(np.float32).reshape(-1)

save_file(tensors, "gguf-blocks.safetensors")
