"""The console's own files (styles, scripts, icons), under names that change with their content."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import msgspec
from fastapi import Request, Response

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is sent."""

    media_type: str
    plain: bytes
    packed: bytes


class Assets:
    """All files of the folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._urls: dict[str, str] = {}
        self._assets: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix not in TYPES or path.name.endswith(".entry.js"):
                continue
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix().removesuffix(path.suffix)
            hashed = f"{name}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            self._urls[f"{name}{path.suffix}"] = f"/static/{hashed}"
            self._assets[hashed] = Asset(
                media_type=f"{TYPES[path.suffix]}; charset=utf-8",
                plain=content,
                packed=gzip.compress(content, 9, mtime=0),
            )

    def url(self, name: str) -> str:
        """The address of a file. Raises `KeyError` for one that is not there."""
        return self._urls[name]

    def answer(self, request: Request, name: str) -> Response:
        asset = self._assets.get(name)
        if asset is None:
            return Response("not found", 404, media_type="text/plain")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.packed, media_type=asset.media_type, headers=headers)
        return Response(asset.plain, media_type=asset.media_type, headers=headers)
