"""Rates of bitsandbytes' CPU path: NF4, block 64, double-quantized, from bfloat16. Prints seconds of each run as JSON.

python peer.py THREADS RUNS ROWS COLUMNS
"""

import json
import sys
import time

import bitsandbytes
import torch

threads, runs, rows, columns = map(int, sys.argv[1:])
torch.set_num_threads(threads)
weights = torch.randn(rows, columns).mul_(0.02).bfloat16()


def quantize():
    bitsandbytes.functional.quantize_4bit(weights, blocksize=64, compress_statistics=True, quant_type="nf4")


quantize()
seconds = []
for _ in range(runs):
    before = time.perf_counter()
    quantize()
    seconds.append(time.perf_counter() - before)
print(json.dumps({"version": bitsandbytes.__version__, "torch": torch.__version__, "seconds": seconds}))
