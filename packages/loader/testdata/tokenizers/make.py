"""Makes texts.json, variants.json and references.json.gz: see README.md. Seeded; run with
tokenizers 0.23.2, transformers 5.18.0 and sentencepiece 0.2.2: python make.py"""

import gzip
import io
import json
import os
import random
import tempfile

import sentencepiece
from tokenizers import Tokenizer
from tokenizers import models, pre_tokenizers, trainers
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = open(os.path.join(HERE, "sample.txt"), encoding="utf-8").read()
TEXTS = json.load(open(os.path.join(HERE, "texts.json"), encoding="utf-8"))
DRAWS = 6  # lists of random ids that are decoded, for each tokenizer

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K_POSSESSIVE = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
QWEN = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK_CJK = r"[一-龥぀-ゟ゠-ヿ]+"
DEEPSEEK = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
KIMI = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"


def lines():
    return [line for line in SAMPLE.split("\n") if line]


# --- models, trained once and shared by the variants -------------------------------------------------------------------


def train(model, trainer, pre):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(lines(), trainer)
    return json.loads(tokenizer.to_str())["model"]


def models_made():
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made = {}
    made["bytes"] = train(
        models.BPE(),
        trainers.BpeTrainer(vocab_size=460, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False),
        byte_level,
    )
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    pieces = train(
        models.BPE(unk_token="<unk>"),
        trainers.BpeTrainer(vocab_size=230, limit_alphabet=70, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False),
        metaspace,
    )
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    vocab.update({f"<0x{byte:02X}>": 3 + byte for byte in range(256)})
    for token in sorted(pieces["vocab"], key=pieces["vocab"].get):
        vocab.setdefault(token, len(vocab))
    made["pieces"] = {**pieces, "vocab": vocab, "byte_fallback": True, "fuse_unk": True}
    made["words"] = train(
        models.BPE(unk_token="<unk>"),
        trainers.BpeTrainer(vocab_size=200, limit_alphabet=60, special_tokens=["<unk>"], show_progress=False,
                            end_of_word_suffix="</w>"),
        pre_tokenizers.WhitespaceSplit(),
    )
    made["continuing"] = train(
        models.BPE(unk_token="<unk>"),
        trainers.BpeTrainer(vocab_size=200, limit_alphabet=60, special_tokens=["<unk>"], show_progress=False,
                            continuing_subword_prefix="##"),
        pre_tokenizers.Whitespace(),
    )
    made["wordpiece"] = train(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=260, limit_alphabet=90, show_progress=False,
                                  special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        pre_tokenizers.BertPreTokenizer(),
    )
    made["wordlevel"] = train(
        models.WordLevel(unk_token="<unk>"),
        trainers.WordLevelTrainer(vocab_size=120, special_tokens=["<unk>"], show_progress=False),
        pre_tokenizers.Whitespace(),
    )
    unigram = train(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False),
        metaspace,
    )
    unigram["vocab"] = [[token, round(score, 5)] for token, score in unigram["vocab"]]
    made["unigram"] = unigram
    made["unigram-bytes"] = {
        **unigram,
        "vocab": unigram["vocab"] + [[f"<0x{byte:02X}>", 0.0] for byte in range(256)],
        "byte_fallback": True,
    }
    return made


def charsmap(rules):
    """A map of characters as sentencepiece compiles it, in base64."""
    import base64

    model = io.BytesIO()
    kwargs = {"normalization_rule_name": rules} if rules else {"normalization_rule_tsv": os.path.join(HERE, "rules.tsv")}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines()), model_writer=model, vocab_size=300, hard_vocab_limit=False, **kwargs)
    from sentencepiece import sentencepiece_model_pb2 as pb2

    proto = pb2.ModelProto.FromString(model.getvalue())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


# --- parts ---------------------------------------------------------------------------------------------------------------


def added(content, **flags):
    token = {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {**token, **flags}


def regex_split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def text_split(text, behavior="Removed", invert=False):
    return {"type": "Split", "pattern": {"String": text}, "behavior": behavior, "invert": invert}


def byte_level(add_prefix_space=False, use_regex=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}


def metaspace(scheme="always", split=True, **more):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split, **more}


def pre_sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def normalizers(*parts):
    return {"type": "Sequence", "normalizers": list(parts)}


def decoders(*parts):
    return {"type": "Sequence", "decoders": list(parts)}


def replace(text, content):
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


def template(*single, tokens):
    item = lambda name: {"Sequence": {"id": name, "type_id": 0}} if name in "AB" else {"SpecialToken": {"id": name, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [item(name) for name in single],
        "pair": [item(name) for name in single] + [{"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": ids, "tokens": [name] * len(ids)} for name, ids in tokens.items()},
    }


LLAMA_DECODER = decoders(replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
                         {"type": "Strip", "content": " ", "start": 1, "stop": 0})
GEMMA_DECODER = decoders(replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"})
LLAMA_NORMALIZER = normalizers({"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"))
BOS = template("<s>", "A", tokens={"<s>": [1]})


class Variants:
    def __init__(self):
        self.list = []

    def add(self, name, model, files=None, model_changes=None, **parts):
        tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
                     "pre_tokenizer": None, "post_processor": None, "decoder": None, **parts}
        tokenizer["added_tokens"] = [{"id": 0, **token} if "id" not in token else token for token in tokenizer["added_tokens"]]
        self.list.append({"name": name, "model": model, **({"changes": model_changes} if model_changes else {}),
                          "tokenizer": tokenizer, **({"files": files} if files else {})})


TOOL = "<|tool|>"
FLAGS = [dict(single_word=True), dict(lstrip=True), dict(rstrip=True), dict(lstrip=True, rstrip=True),
         dict(normalized=True), dict(special=False), dict(single_word=True, lstrip=True, normalized=True, special=False)]


def variants(precompiled):
    v = Variants()
    specials = [added("<s>"), added("</s>")]
    tools = [*specials, added(TOOL), added("day", special=False)]
    bl = dict(decoder=byte_level(use_regex=True))

    # the shapes of the large families
    v.add("gpt-2", "bytes", added_tokens=specials, pre_tokenizer=byte_level(use_regex=True), **bl)
    v.add("gpt-2-prefix-space", "bytes", added_tokens=tools, pre_tokenizer=byte_level(True, True), **bl)
    v.add("roberta", "bytes", added_tokens=[*specials, added("<mask>", lstrip=True)], pre_tokenizer=byte_level(True, True),
          post_processor={"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": True}, **bl)
    v.add("qwen", "bytes", added_tokens=tools, normalizer={"type": "NFC"}, pre_tokenizer=pre_sequence(regex_split(QWEN), byte_level()),
          post_processor=byte_level(), **bl)
    v.add("llama-3", "bytes", model_changes={"ignore_merges": True}, added_tokens=tools, pre_tokenizer=pre_sequence(regex_split(CL100K), byte_level()),
          post_processor={"type": "Sequence", "processors": [byte_level(), template("<s>", "A", tokens={"<s>": [0]})]}, **bl)
    v.add("gpt-4", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence(regex_split(CL100K_POSSESSIVE, "Removed", True), byte_level()), **bl)
    v.add("o200k", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence(regex_split(O200K), byte_level()), **bl)
    v.add("deepseek", "bytes", added_tokens=tools, normalizer=normalizers(), pre_tokenizer=pre_sequence(
        regex_split(r"\p{N}{1,3}"), regex_split(DEEPSEEK_CJK), regex_split(DEEPSEEK), byte_level()), **bl)
    v.add("deepseek-coder", "bytes", added_tokens=tools, normalizer=normalizers(), pre_tokenizer=pre_sequence(
        regex_split(r"[\r\n]"), regex_split(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳ]+"), regex_split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
        regex_split(r"\s+$"), regex_split(r"[一-龥ࠀ-一가-퟿]+"), {"type": "Digits", "individual_digits": True}, byte_level()), **bl)
    v.add("kimi", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence(regex_split(KIMI), byte_level()), **bl)
    v.add("granite", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence({"type": "Digits", "individual_digits": True}, byte_level(use_regex=True)), **bl)
    v.add("falcon", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence(
        {"type": "Punctuation", "behavior": "Contiguous"}, byte_level(use_regex=True), {"type": "Digits", "individual_digits": False},
        regex_split("[0-9][0-9][0-9]")), **bl)
    v.add("bloom", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence(regex_split(BLOOM), byte_level()), **bl)
    v.add("dots", "bytes", added_tokens=tools, pre_tokenizer=pre_sequence(regex_split(r"(?=(?:\d{3})+(?!\d))"), byte_level()), **bl)
    v.add("llama-2", "pieces", added_tokens=[added("<unk>"), *specials], normalizer=LLAMA_NORMALIZER, decoder=LLAMA_DECODER, post_processor=BOS)
    v.add("mistral-first", "pieces", added_tokens=[added("<unk>"), *specials, added("[INST]")], pre_tokenizer=metaspace("first", False),
          decoder=LLAMA_DECODER, post_processor=BOS)
    v.add("gemma", "pieces", added_tokens=[added("<unk>"), *specials, added("<mask>", normalized=False, special=False), added("\n\n", special=False),
          added("   ", special=False)], normalizer=replace(" ", "▁"), pre_tokenizer=text_split(" ", "MergedWithPrevious"), decoder=GEMMA_DECODER, post_processor=BOS)
    v.add("phi-3", "pieces", added_tokens=[added("<unk>"), added("<s>"), added("</s>", rstrip=True, special=False), added("<|end|>", rstrip=True)],
          normalizer=LLAMA_NORMALIZER, decoder=LLAMA_DECODER)
    v.add("bert-uncased", "wordpiece", added_tokens=[added(t) for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")],
          normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
          pre_tokenizer={"type": "BertPreTokenizer"}, post_processor=template("[CLS]", "A", "[SEP]", tokens={"[CLS]": [2], "[SEP]": [3]}),
          decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})
    v.add("bert-cased", "wordpiece", added_tokens=[added("[UNK]"), added("[CLS]"), added("[SEP]")],
          normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False},
          pre_tokenizer={"type": "BertPreTokenizer"}, post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
          decoder={"type": "WordPiece", "prefix": "##", "cleanup": False})
    v.add("t5", "unigram", added_tokens=[added("<unk>"), added("</s>"), added("<extra_id_0>", rstrip=True)],
          normalizer={"type": "Precompiled", "precompiled_charsmap": precompiled["rules"]}, pre_tokenizer=metaspace("always"),
          post_processor=template("A", "</s>", tokens={"</s>": [2]}), decoder=metaspace("always"))
    v.add("xlm-r", "unigram", added_tokens=[added("<unk>"), added("<s>"), added("<mask>", lstrip=True)],
          normalizer=normalizers({"type": "Precompiled", "precompiled_charsmap": precompiled["rules"]}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}),
          pre_tokenizer=pre_sequence({"type": "WhitespaceSplit"}, metaspace("always")),
          post_processor=template("<s>", "A", "</s>", tokens={"<s>": [1], "</s>": [2]}), decoder=metaspace("always"))
    v.add("albert", "unigram", added_tokens=[added("<unk>"), added("[MASK]", lstrip=True)],
          normalizer=normalizers(replace("``", '"'), replace("''", '"'), {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
                                 {"type": "Precompiled", "precompiled_charsmap": precompiled["rules"]}), pre_tokenizer=metaspace("always"), decoder=metaspace("always"))
    v.add("unigram-bytes", "unigram-bytes", added_tokens=[added("<unk>"), *specials], pre_tokenizer=metaspace("always"),
          decoder=decoders({"type": "ByteFallback"}, metaspace("always")))
    v.add("unigram-whole", "unigram-bytes", added_tokens=[added("<unk>")], normalizer=LLAMA_NORMALIZER, decoder=LLAMA_DECODER)
    v.add("clip", "words", added_tokens=[added("<unk>")], normalizer=normalizers({"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}, {"type": "Lowercase"}),
          pre_tokenizer=pre_sequence(regex_split(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "Removed", True)), decoder={"type": "BPEDecoder", "suffix": "</w>"})
    v.add("ctc", "wordlevel", added_tokens=[added("<unk>")], pre_tokenizer=regex_split(".", "Isolated"), decoder={"type": "CTC", "pad_token": "<unk>", "word_delimiter_token": "e", "cleanup": True})

    # added tokens: every flag, with a normalizer and without
    for index, flags in enumerate(FLAGS):
        tokens = [added("<unk>"), added("[x]", **flags), added("the", **flags), added(TOOL, **flags), added("ÉA", **flags)]
        v.add(f"added-{index}", "pieces", added_tokens=tokens, pre_tokenizer=metaspace("first"), decoder=LLAMA_DECODER, normalizer={"type": "Lowercase"} if index != 1 else None)
    v.add("added-overlap", "bytes", added_tokens=[added("<s>"), added("<s><s>"), added("ab", special=False), added("abc", special=False), added("bcd", special=False),
          added(" ", special=False, normalized=True), added("\n", special=False), added("é", special=False)], pre_tokenizer=byte_level(use_regex=True), **bl)
    v.add("added-beyond", "bytes", added_tokens=[*specials, {"id": 900, **added("<image>")}, {"id": 700, **added(TOOL)}], pre_tokenizer=byte_level(use_regex=True), **bl)
    v.add("added-normalized-byte-level", "bytes", added_tokens=[added("<s>"), added("é x", normalized=True, special=False), added(TOOL, normalized=True)],
          normalizer={"type": "ByteLevel"}, decoder=byte_level(use_regex=True))
    v.add("added-prepend", "pieces", added_tokens=[added("<unk>"), added(TOOL, normalized=True), added("the", normalized=True, special=False)], normalizer=LLAMA_NORMALIZER, decoder=LLAMA_DECODER)

    # Split and its like, in all modes
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            v.add(f"split-{behavior}-{invert}", "bytes", added_tokens=specials, pre_tokenizer=pre_sequence(regex_split(r"\s|\d", behavior, invert), byte_level()), **bl)
        v.add(f"split-text-{behavior}", "bytes", added_tokens=specials, pre_tokenizer=pre_sequence(text_split(".", behavior), byte_level()), **bl)
        v.add(f"punctuation-{behavior}", "wordpiece", pre_tokenizer=pre_sequence({"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": behavior}))
    v.add("split-empty-matches", "bytes", pre_tokenizer=pre_sequence(regex_split(r"x*", "MergedWithNext"), byte_level()), **bl)
    v.add("split-classes", "bytes", pre_tokenizer=pre_sequence(regex_split(r"\w+|[[:punct:]]|\h\H"), byte_level()), **bl)
    v.add("split-words", "bytes", pre_tokenizer=pre_sequence(regex_split(r"\b\w|\W\b|^\s|\S$", "MergedWithPrevious"), byte_level()), **bl)
    for individual in (False, True):
        v.add(f"digits-{individual}", "bytes", pre_tokenizer=pre_sequence({"type": "Digits", "individual_digits": individual}, byte_level()), **bl)
    v.add("whitespace", "wordpiece", pre_tokenizer={"type": "Whitespace"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})
    v.add("char-delimiter", "wordlevel", pre_tokenizer={"type": "CharDelimiterSplit", "delimiter": " "})
    v.add("unicode-scripts", "bytes", pre_tokenizer=pre_sequence({"type": "UnicodeScripts"}, byte_level()), **bl)
    v.add("fixed-length", "bytes", pre_tokenizer=pre_sequence({"type": "FixedLength", "length": 3}, byte_level()), **bl)
    v.add("no-pre-tokenizer", "wordlevel")

    # Metaspace
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            v.add(f"metaspace-{scheme}-{split}", "pieces", added_tokens=[added("<unk>"), added("<s>"), added("day", special=False)],
                  pre_tokenizer=metaspace(scheme, split), decoder=metaspace(scheme, split))
    v.add("metaspace-other", "words", pre_tokenizer={"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": True})
    v.add("metaspace-old", "pieces", pre_tokenizer={"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "str_rep": "▁"}, decoder={"type": "Metaspace", "replacement": "▁", "add_prefix_space": True})
    v.add("metaspace-first-strip", "pieces", added_tokens=[added("<s>")], normalizer={"type": "Strip", "strip_left": True, "strip_right": False}, pre_tokenizer=metaspace("first"))
    v.add("metaspace-first-replace", "pieces", added_tokens=[added("<s>")], normalizer={"type": "Replace", "pattern": {"Regex": "^[ A-Z]+"}, "content": "a"}, pre_tokenizer=pre_sequence(regex_split("[a-z]"), metaspace("first")))
    v.add("metaspace-first-clean", "pieces", normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": True, "lowercase": False}, pre_tokenizer=metaspace("first", False))

    # normalizers
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"):
        v.add(f"normalizer-{name}", "bytes", added_tokens=tools, normalizer={"type": name}, pre_tokenizer=None if name == "ByteLevel" else byte_level(use_regex=True), **bl)
    for left, right in ((True, True), (True, False), (False, True)):
        v.add(f"strip-{left}-{right}", "bytes", added_tokens=tools, normalizer={"type": "Strip", "strip_left": left, "strip_right": right}, pre_tokenizer=byte_level(use_regex=True), **bl)
    v.add("replace-regex", "bytes", normalizer=normalizers({"type": "Replace", "pattern": {"Regex": r"[\r\n]+|\p{M}"}, "content": "$1 "}, replace("...", "…")), pre_tokenizer=byte_level(use_regex=True), **bl)
    v.add("precompiled-nfkc", "bytes", normalizer={"type": "Precompiled", "precompiled_charsmap": precompiled["rules"]}, pre_tokenizer=byte_level(use_regex=True), **bl)

    # models
    for fuse in (False, True):
        v.add(f"bpe-unknown-{fuse}", "words", model_changes={"fuse_unk": fuse, "end_of_word_suffix": None}, pre_tokenizer={"type": "Whitespace"})
        v.add(f"bpe-bytes-missing-{fuse}", "pieces", model_changes={"fuse_unk": fuse, "without": ["<0xE6>", "<0xF0>", "<0x0A>"]}, pre_tokenizer=metaspace("never"), decoder=GEMMA_DECODER)
    v.add("bpe-no-unknown", "words", model_changes={"unk_token": None}, pre_tokenizer={"type": "WhitespaceSplit"}, decoder={"type": "BPEDecoder", "suffix": "</w>"})
    v.add("bpe-continuing", "continuing", pre_tokenizer={"type": "Whitespace"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": False})
    v.add("bpe-ignore-merges", "pieces", model_changes={"ignore_merges": True}, pre_tokenizer=metaspace("always"))
    v.add("wordpiece-short", "wordpiece", model_changes={"max_input_chars_per_word": 5}, pre_tokenizer={"type": "WhitespaceSplit"})
    v.add("wordlevel", "wordlevel", added_tokens=[added("<unk>")], pre_tokenizer={"type": "Whitespace"})
    v.add("unigram-no-fallback", "unigram", added_tokens=[added("<unk>")], pre_tokenizer=metaspace("never", False), decoder=metaspace("never"))

    # decoders
    for name, decoder in {
        "strip": decoders({"type": "Strip", "content": "▁", "start": 2, "stop": 0}, {"type": "Fuse"}),
        "replace-regex": decoders({"type": "Replace", "pattern": {"Regex": "[▁a-c]"}, "content": "-"}, {"type": "ByteFallback"}),
        "none": None,
        "fallback": {"type": "ByteFallback"},
        "wordpiece": {"type": "WordPiece", "prefix": "▁", "cleanup": True},
    }.items():
        v.add(f"decoder-{name}", "pieces", added_tokens=[added("<unk>"), added("<s>")], pre_tokenizer=metaspace("always"), decoder=decoder)
    v.add("template-many", "bytes", added_tokens=specials, pre_tokenizer=byte_level(use_regex=True), post_processor=template("<s>", "A", "</s>", "A", tokens={"<s>": [0, 7], "</s>": [1]}), **bl)

    # the files beside tokenizer.json, as transformers takes them
    base = dict(added_tokens=specials, pre_tokenizer=byte_level(use_regex=True), post_processor=byte_level(), decoder=byte_level(use_regex=True))
    cls = {"tokenizer_class": "PreTrainedTokenizerFast"}
    flags = {k: x for k, x in added(TOOL).items() if k != "content"}
    decoder_map = {"500": {"content": TOOL, **flags}, "460": {"content": "day", **flags, "special": False, "lstrip": True}, "3": {"content": "<s>", **flags, "rstrip": True}}
    for name, files in {
        "decoder": {"tokenizer_config.json": {**cls, "added_tokens_decoder": decoder_map, "eos_token": "</s>"}},
        "additional": {"tokenizer_config.json": {**cls, "additional_special_tokens": [TOOL, "the"], "eos_token": "<end>"}},
        "extra": {"tokenizer_config.json": {**cls, "extra_special_tokens": {"image_token": "<image>", "tool_token": TOOL}, "pad_token": "<pad>"}},
        "added-tokens": {"tokenizer_config.json": {**cls, "eos_token": "</s>"}, "added_tokens.json": {TOOL: 460, "day": 461, "<end>": 462}, "special_tokens_map.json": {"eos_token": {"content": "<end>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}, "additional_special_tokens": [TOOL]}},
        "map-ignored": {"tokenizer_config.json": {**cls, "added_tokens_decoder": decoder_map}, "added_tokens.json": {"<image>": 700}, "special_tokens_map.json": {"eos_token": "<end>", "additional_special_tokens": ["[x]"]}},
        "named": {"tokenizer_config.json": {**cls, "bos_token": "<s>", "unk_token": "the", "image_token": "<image>", "eos_token": {"__type": "AddedToken", "content": "<end>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False, "special": True}}},
        "split-special": {"tokenizer_config.json": {**cls, "split_special_tokens": True, "added_tokens_decoder": decoder_map}},
    }.items():
        v.add(f"files-{name}", "bytes", files=files, **base)
    v.add("files-clean-up", "unigram", files={"tokenizer_config.json": {**cls, "clean_up_tokenization_spaces": True, "unk_token": "<unk>"}}, added_tokens=[added("<unk>")], pre_tokenizer=metaspace("always"), decoder=metaspace("always"))
    v.add("files-truncation", "bytes", files={"tokenizer_config.json": cls}, **{**base, "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
          "padding": {"strategy": {"Fixed": 12}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<s>"}})
    return v.list


# --- references ------------------------------------------------------------------------------------------------------------


def whole(variant, made):
    model = dict(made[variant["model"]])
    changes = dict(variant.get("changes", {}))
    without = changes.pop("without", [])
    if without:
        model["vocab"] = {token: id for token, id in model["vocab"].items() if token not in without}
    return {**variant["tokenizer"], "model": {**model, **changes}}


class Hub:
    """transformers, for what several files say."""

    def __init__(self, tokenizer, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, content in {"tokenizer.json": tokenizer, **files}.items():
                json.dump(content, open(os.path.join(folder, name), "w"))
            self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(self, text, special):
        return self.tokenizer(text, add_special_tokens=special).input_ids

    def decode(self, ids, skip):
        return self.tokenizer.decode(ids, skip_special_tokens=skip)

    end = property(lambda self: self.tokenizer.eos_token_id)
    size = property(lambda self: len(self.tokenizer))


class Own:
    """The tokenizers library, for tokenizer.json alone."""

    def __init__(self, tokenizer):
        self.tokenizer = Tokenizer.from_str(json.dumps(tokenizer))

    def encode(self, text, special):
        return self.tokenizer.encode(text, add_special_tokens=special).ids

    def decode(self, ids, skip):
        return self.tokenizer.decode(ids, skip_special_tokens=skip)

    end = None
    size = property(lambda self: self.tokenizer.get_vocab_size())


def reference(variant, made):
    tokenizer = whole(variant, made)
    own = Hub(tokenizer, variant["files"]) if "files" in variant else Own(tokenizer)
    random.seed(variant["name"])
    plain = [own.encode(text, False) for text in TEXTS]
    special = [own.encode(text, True) for text in TEXTS]
    draws = [[random.randrange(own.size + 8) for _ in range(random.randrange(1, 14))] for _ in range(DRAWS)]
    # a decode is left out (null) where it gives the text itself
    shown = lambda ids, text: None if (decoded := own.decode(ids, False)) == text else decoded
    skipped = lambda ids, text: None if (decoded := own.decode(ids, True)) == own.decode(ids, False) else decoded
    return {
        "ids": plain,
        # what stands around the ids; null where the ids are another list
        "special": [ids if ids != bare else None for ids, bare in zip(special, plain)],
        "decoded": [shown(ids, text) for ids, text in zip(special, TEXTS)],
        "skipped": [skipped(ids, text) for ids, text in zip(special, TEXTS)],
        "draws": [[ids, own.decode(ids, False), own.decode(ids, True)] for ids in draws],
        **({"end": own.end} if "files" in variant else {}),
    }


def main():
    made = models_made()
    precompiled = {"rules": charsmap(None)}
    all_variants = variants(precompiled)
    references = {variant["name"]: reference(variant, made) for variant in all_variants}
    write = lambda name, value: open(os.path.join(HERE, name), "wb").write(
        gzip.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0))
    write("variants.json.gz", {"models": made, "variants": all_variants})
    write("references.json.gz", references)
    print(len(all_variants), "variants,", len(TEXTS), "texts")


if __name__ == "__main__":
    main()
