"""The encoder as a PyTorch module: characters and hashed pairs in, one vector a position out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import BertConfig, BertModel

from classifiers.encoder.characters import PAIRS

MAX_LENGTH = 160
"""Tokens, special ones included."""

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""What is trained on: a GPU where there is one."""

BFLOAT16 = DEVICE.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
"""Whether this device multiplies bfloat16 faster than float32; elsewhere it is emulated, at a fraction of the speed."""


def mixed() -> torch.autocast:
    """The context in which networks compute: in bfloat16 where that is faster."""
    return torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=BFLOAT16)


Shape = dict[str, Any]
"""Arguments of `Encoder`."""

STUDENT: Shape = {"hidden": 256, "layers": 2, "heads": 4, "feed_forward": 1024}
"""The shape of the encoder that is pretrained and fine-tuned."""

THIN: Shape = {"feed_forward": 256, "query": 16, "value": 32, "activation": "relu"}
"""What is other about the one that ships, which `training.thin` makes of it. Rounding to unsigned bytes cuts off what
is negative, so `relu` costs nothing."""

TEACHER: Shape = {"hidden": 512, "layers": 8, "heads": 8, "feed_forward": 2048}
"""The shape of the larger encoder that the one that ships may learn from; worth its time on a GPU alone."""


class Encoder(nn.Module):
    """A BERT whose input adds an embedding of the pair (left neighbour, character) to the character's own, and what a
    convolution over each position and its two neighbours makes of both.

    Pairs say most of what word segmentation would, and a look-up costs nothing beside a layer. The convolution spares
    the first attention layer to learn where the neighbours are: pretraining gets going in far fewer steps.

    Parameters
    ----------
    vocabulary:
        Number of tokens.
    query, value:
        Sizes of a head's queries and keys, and of its values; None: `hidden` by `heads`.
    activation:
        Between the two matrices of the feed-forward part: `gelu` or `relu`.
    """

    def __init__(
        self, vocabulary: int, *, hidden: int = 256, layers: int = 2, heads: int = 4, feed_forward: int = 1024,
        dropout: float = 0.1, query: int | None = None, value: int | None = None, activation: str = "gelu",
    ) -> None:  # fmt: skip
        super().__init__()
        config = BertConfig(
            vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
            intermediate_size=feed_forward, max_position_embeddings=MAX_LENGTH, type_vocab_size=1,
            hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
        )  # fmt: skip
        self.bert = BertModel(config, add_pooling_layer=False)
        for layer in self.bert.encoder.layer:
            layer.activation = getattr(nn.functional, activation)
            attention = layer.attention
            if query is not None:
                attention.self.query = nn.Linear(hidden, heads * query)
                attention.self.key = nn.Linear(hidden, heads * query)
            if value is not None:
                attention.self.value = nn.Linear(hidden, heads * value)
                attention.output.dense = nn.Linear(heads * value, hidden)
        self.pairs = nn.Embedding(PAIRS, hidden, padding_idx=0)
        nn.init.normal_(self.pairs.weight, std=0.02)
        with torch.no_grad():
            self.pairs.weight[0].zero_()
        self.local = nn.Linear(3 * hidden, hidden)
        self.transform: Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor] = transform

    @property
    def characters(self) -> nn.Embedding:
        return self.bert.embeddings.word_embeddings

    def forward(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`ids`, `pairs` and `mask` of shape (texts, length) → vectors of shape (texts, length, hidden)."""
        return self.after_each_layer(ids, pairs, mask)[-1]

    def after_each_layer(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """The vectors before the first layer, and after each."""
        embedded = self.characters(ids) + self.pairs(pairs)
        embedded = embedded * mask.unsqueeze(-1).to(embedded.dtype)
        left = nn.functional.pad(embedded, (0, 0, 1, 0))[:, :-1]
        right = nn.functional.pad(embedded, (0, 0, 0, 1))[:, 1:]
        embedded = embedded + nn.functional.gelu(self.local(torch.cat([left, embedded, right], dim=-1)))
        table = self.bert.embeddings
        places = table.position_embeddings.weight[: ids.shape[1]] + table.token_type_embeddings.weight
        found = [table.dropout(table.LayerNorm(embedded + places))]
        visible = mask.bool()[:, None, None, :]
        for layer in self.bert.encoder.layer:
            found.append(self.transform(layer, found[-1], visible))
        return found


def transform(layer: nn.Module, vectors: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """One of BERT's layers, as transformers computes it but for its activation; written out, so that it can be compiled
    by itself, once for all layers and each shape of a batch."""
    attention = layer.attention.self
    texts, length, _ = vectors.shape
    query, key, value = (
        part(vectors).view(texts, length, attention.num_attention_heads, -1).transpose(1, 2)
        for part in (attention.query, attention.key, attention.value)
    )
    dropout = attention.dropout.p if layer.training else 0.0
    mixed = nn.functional.scaled_dot_product_attention(query, key, value, visible, dropout)
    mixed = mixed.transpose(1, 2).reshape(texts, length, -1)
    out = layer.attention.output
    vectors = out.LayerNorm(out.dropout(out.dense(mixed)) + vectors)
    grown = layer.activation(layer.intermediate.dense(vectors))
    shrunk: torch.Tensor = layer.output.LayerNorm(layer.output.dropout(layer.output.dense(grown)) + vectors)
    return shrunk


class MaskedModel(nn.Module):
    """The encoder with a head that guesses masked characters; the guesses share the characters' embedding."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        hidden = encoder.characters.embedding_dim
        self.encoder = encoder
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
        self.bias = nn.Parameter(torch.zeros(encoder.characters.num_embeddings))

    def forward(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Scores of every token at the masked `places` (flat positions), shape (places, vocabulary)."""
        vectors = self.encoder(ids, pairs, mask).flatten(0, 1)[places]
        return nn.functional.linear(self.head(vectors), self.encoder.characters.weight, self.bias)


class Classifier(nn.Module):
    """The encoder with all heads: each reads the first position's vector and the mean of all."""

    def __init__(self, encoder: Encoder, heads: dict[str, int], dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        hidden = encoder.characters.embedding_dim
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(2 * hidden, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, size)
                )
                for name, size in heads.items()
            }
        )

    def pooled(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """One vector a text, shape (texts, 2 x hidden)."""
        return self.joined(self.encoder(ids, pairs, mask), mask)

    def joined(self, vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the heads read of the last layer's vectors."""
        weights = mask.unsqueeze(-1).to(vectors.dtype)
        mean = (vectors * weights).sum(1) / weights.sum(1)
        return self.dropout(torch.cat([vectors[:, 0], mean], dim=1))

    def forward(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """Head → scores before the softmax, shape (texts, labels of the head)."""
        pooled = self.pooled(ids, pairs, mask)
        return {name: head(pooled) for name, head in self.heads.items()}
