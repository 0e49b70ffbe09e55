"""The pretrained encoder that ships with the source, so that heads can be taught anew without pretraining.

    python -m training.base --folder RUN        # keep RUN/checkpoint.pt as the one that ships

Its matrices are kept as bytes with a scale a row: a quarter of the size, and no difference that fine-tuning notices.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch

from training.network import DEVICE, Shape

FILE = Path(__file__).with_name("base") / "encoder.npz"
TOKENIZER = FILE.with_name("tokenizer.json")
PREFIX = "encoder."

State = dict[str, torch.Tensor]


def keep(folder: Path) -> None:
    """Write the encoder of RUN/checkpoint.pt and its tokenizer where `pretrained` finds them."""
    checkpoint = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    arrays: dict[str, np.ndarray] = {"shape": np.frombuffer(json.dumps(checkpoint["shape"]).encode(), np.uint8)}
    for name, value in checkpoint["model"].items():
        if not name.startswith(PREFIX):
            continue
        plain = name.removeprefix(PREFIX)
        weights = value.float().numpy()
        if weights.ndim < 2:
            arrays[plain] = weights.astype(np.float16)
            continue
        scales = np.maximum(np.abs(weights).max(axis=1, keepdims=True), 1e-12) / 127
        arrays[plain] = np.rint(weights / scales).astype(np.int8)
        arrays[f"{plain}/scales"] = scales.astype(np.float32)
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **arrays)  # type: ignore[arg-type]
    shutil.copyfile(folder / "tokenizer.json", TOKENIZER)


def pretrained(folder: Path) -> tuple[State, Shape]:
    """The encoder's weights and shape: of RUN/checkpoint.pt, or else the ones that ship; these bring their tokenizer.

    Raises
    ------
    SystemExit
        If RUN has a tokenizer of its own but nothing that was pretrained with it.
    """
    path = folder / "checkpoint.pt"
    if path.exists():
        checkpoint = torch.load(path, weights_only=True, map_location=DEVICE)
        own = {
            name.removeprefix(PREFIX): value for name, value in checkpoint["model"].items() if name.startswith(PREFIX)
        }
        return own, checkpoint["shape"]
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.exists():
        shutil.copyfile(TOKENIZER, tokenizer)
    elif tokenizer.read_bytes() != TOKENIZER.read_bytes():
        raise SystemExit(
            f"{folder} has a tokenizer of its own and no checkpoint.pt: run training.pretrain there, or remove "
            f"{tokenizer} to begin with the pretrained encoder that ships"
        )
    with np.load(FILE) as arrays:
        shape = json.loads(arrays["shape"].tobytes())
        state = {}
        for name in arrays.files:
            if name == "shape" or name.endswith("/scales"):
                continue
            weights = arrays[name].astype(np.float32)
            scales = f"{name}/scales"
            state[name] = torch.from_numpy(weights * arrays[scales] if scales in arrays.files else weights)
    return state, shape


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    keep(parser.parse_args().folder)
    print(f"{FILE}: {FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
