"""A small identity provider of OpenID Connect, with real keys and real tokens, that tests can make misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "minsheng", "a secret / with +"


class IdentityProvider:
    """Serves discovery, authorization, tokens and keys on this machine until it is closed.

    Attributes
    ----------
    person:
        Claims of who is signed in there; the browser is asked nothing.
    changes:
        Claims that its tokens have otherwise than they should; None takes one away.
    told:
        What its discovery document says otherwise.
    asked:
        Paths that were asked for.
    """

    def __init__(self, now: Any) -> None:
        self._now = now
        self.person: dict[str, Any] = {"sub": "u-1", "preferred_username": "wang", "name": "王值班"}
        self.changes: dict[str, Any] = {}
        self.told: dict[str, Any] = {}
        self.refuses = ""
        self.takes_public_key_for_secret = False
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._keys = [key_of("first")]
        self.signs_with = self._keys[0]
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._post(self)

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def change_key(self) -> None:
        """Sign with a new key from now on."""
        self._keys = [*self._keys, key_of(f"key-{len(self._keys)}")]
        self.signs_with = self._keys[-1]

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        self.asked.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            document = {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/out", "code_challenge_methods_supported": ["S256"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }  # fmt: skip
            _answer(request, 200, {**document, **self.told})
        elif parts.path == "/keys":
            _answer(request, 200, KeySet(self._keys).as_dict(private=False))
        elif parts.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            sent = {"state": asked["state"], "iss": self.issuer}
            if self.refuses:
                sent["error"] = self.refuses
            else:
                sent["code"] = hashlib.sha256(asked["state"].encode()).hexdigest()
                self._codes[sent["code"]] = asked
            request.send_response(302)
            request.send_header("Location", f"{asked['redirect_uri']}?{urlencode(sent)}")
            request.end_headers()
        else:
            _answer(request, 404, {"error": "not_found"})

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        body = request.rfile.read(int(request.headers.get("content-length", "0"))).decode()
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self._codes.pop(sent.get("code", ""), None)  # each code is good once
        if asked is None:
            return _answer(request, 400, {"error": "invalid_grant"})
        basic = base64.b64decode(request.headers.get("authorization", "").partition(" ")[2]).decode()
        named, _, secret = basic.partition(":")
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (unquote_plus(named), unquote_plus(secret)) != (CLIENT, SECRET):
            return _answer(request, 401, {"error": "invalid_client"})
        if proof != asked["code_challenge"] or asked["redirect_uri"] != sent.get("redirect_uri"):
            return _answer(request, 400, {"error": "invalid_grant"})
        now = int(self._now().timestamp())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person,
            **self.changes,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        key: Any = self.signs_with
        if self.takes_public_key_for_secret:
            token = _keyed_by(key.as_pem(private=False), {"alg": "HS256", "kid": key.kid}, claims)
        else:
            token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
        return _answer(request, 200, {"id_token": token, "access_token": "at", "token_type": "Bearer"})


def _keyed_by(secret: bytes, *parts: dict[str, Any]) -> str:
    """A token signed by a shared secret; no library makes one of a public key."""
    told = ".".join(_plain(json.dumps(part).encode()) for part in parts)
    return f"{told}.{_plain(hmac.new(secret, told.encode(), hashlib.sha256).digest())}"


def _plain(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@cache
def key_of(name: str) -> RSAKey:
    """A key of that name; made once, as that takes a while."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


def _answer(request: BaseHTTPRequestHandler, status: int, value: Any) -> None:
    body = json.dumps(value).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
