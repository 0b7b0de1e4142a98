"""special.json: what transformers 5.18 makes of a token that tokenizer.json lists as not special and another file names.

python special.py
"""
import json
import os
import tempfile

from transformers import PreTrainedTokenizerFast

TOKEN = dict(content="<|im_end|>", single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
TYPED = {"__type": "AddedToken", **TOKEN}
OTHER = {**TOKEN, "content": "b"}
TOKENIZER = dict(
    version="1.0",
    truncation=None,
    padding=None,
    added_tokens=[dict(id=3, **TOKEN)],
    normalizer=None,
    pre_tokenizer=None,
    post_processor=None,
    decoder={"type": "Fuse"},
    model=dict(type="BPE", vocab={"a": 0, "b": 1, "<": 2}, merges=[]),
)
config, names, added = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
CASES = {
    "eos_token": {config: {"eos_token": "<|im_end|>"}},
    "eos_token as an object": {config: {"eos_token": TYPED}},
    "eos_token beside a decoder that lists it": {config: {"eos_token": "<|im_end|>", "added_tokens_decoder": {"3": TOKEN}}},
    "eos_token beside an empty decoder": {config: {"eos_token": "<|im_end|>", "added_tokens_decoder": {}}},
    "eos_token of the map": {names: {"eos_token": "<|im_end|>"}},
    "eos_token of the map as an object": {names: {"eos_token": {"content": "<|im_end|>"}}},
    "eos_token of the map beside a decoder": {
        config: {"added_tokens_decoder": {"3": TOKEN}},
        names: {"eos_token": "<|im_end|>"},
    },
    "additional_special_tokens": {config: {"additional_special_tokens": ["<|im_end|>"]}},
    "extra_special_tokens as a list": {config: {"extra_special_tokens": ["<|im_end|>"]}},
    "extra_special_tokens as an object": {config: {"extra_special_tokens": {"image_token": "<|im_end|>"}}},
    "extra_special_tokens of the map": {names: {"extra_special_tokens": {"image_token": "<|im_end|>"}}},
    "image_token": {config: {"image_token": "<|im_end|>"}},
    "image_token as an object": {config: {"image_token": TOKEN}},
    "image_token as a marked object": {config: {"image_token": TYPED}},
    "image_token of the map as an object": {names: {"image_token": {"content": "<|im_end|>"}}},
    "x_token as an object of text": {config: {"x_token": OTHER}},
    "x_token as a marked object of text": {config: {"x_token": {"__type": "AddedToken", **OTHER}}},
    "additional_special_tokens as a marked object": {config: {"additional_special_tokens": [TYPED]}},
    "additional_special_tokens as a marked object of text": {
        config: {"additional_special_tokens": [{"__type": "AddedToken", **OTHER}]},
    },
    "extra_special_tokens as a marked object of a new text": {
        config: {"extra_special_tokens": [{"__type": "AddedToken", **TOKEN, "content": "a<"}]},
    },
    "extra_special_tokens as a marked special object of a new text": {
        config: {"extra_special_tokens": [{"__type": "AddedToken", **TOKEN, "content": "a<", "special": True}]},
    },
    "extra_special_tokens of the map as an object of a new text": {
        names: {"extra_special_tokens": [{"content": "a<"}]},
    },
    "extra_special_tokens as a marked special object beside added_tokens.json": {
        config: {"extra_special_tokens": [{"__type": "AddedToken", **TOKEN, "content": "a<", "special": True}]},
        added: {"a<": 4},
    },
    "extra_special_tokens of the map as an object beside added_tokens.json": {
        names: {"extra_special_tokens": [{"content": "a<"}]},
        added: {"a<": 4},
    },
    "extra_special_tokens as text beside added_tokens.json": {
        config: {"extra_special_tokens": ["a<"]},
        added: {"a<": 4},
    },
    "split_special_tokens": {config: {"eos_token": "<|im_end|>", "split_special_tokens": True}},
    "added_tokens.json": {config: {"eos_token": "<|im_end|>"}, added: {"<|im_end|>": 3}},
}

out = []
for name, files in CASES.items():
    files = {"tokenizer.json": TOKENIZER, **files}
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            content = {"tokenizer_class": "PreTrainedTokenizerFast", **content} if file == config else content
            with open(os.path.join(folder, file), "w") as f:
                json.dump(content, f)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    ids = tokenizer("a<|im_end|>b")["input_ids"]
    out.append(dict(name=name, files=files, ids=ids, skipped=tokenizer.decode(ids, skip_special_tokens=True)))
with open(os.path.join(os.path.dirname(__file__), "special.json"), "w") as f:
    f.write("[\n" + ",\n".join("  " + json.dumps(case) for case in out) + "\n]\n")
