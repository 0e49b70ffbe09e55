"""A real model in Hugging Face's format, as small as one can be: two layers with random weights, some characters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHARACTERS = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动好太谢坏住房新规"


def write_tiny_model(
    folder: Path, labels: Sequence[str], *, positions: int = 64, seed: int = 7, pad: bool = True, **changes: Any
) -> None:
    """Save tokenizer, configuration and weights.

    Parameters
    ----------
    labels:
        Of the classifier, in the order of its outputs.
    positions:
        The longest text, in tokens.
    pad:
        False for a tokenizer without a token to pad with and without marks around the text, as GPT's.
    changes:
        Other values of the configuration.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {token: number for number, token in enumerate([*marks, *dict.fromkeys(CHARACTERS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    special: dict[str, Any] = {"unk_token": "[UNK]", "eos_token": "[SEP]"}
    if pad:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        special |= {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        **{
            "vocab_size": len(vocabulary),
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": positions,
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
            # Random weights of the usual size make every text alike.
            "initializer_range": 0.5,
            **changes,
        }
    )
    BertForSequenceClassification(config).save_pretrained(folder)
