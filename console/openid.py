"""OpenID Connect, as far as signing in needs it: the authorization code flow with PKCE (OpenID Connect Core 1.0,
section 3.1; RFC 7636).

The issuer tells where its parts are (discovery) and which keys it signs with; both are kept for an hour, and keys are
asked for anew where a token names one that is not among them. Nothing is followed to another address, nothing but TLS
is spoken (but on this machine), and little of an answer is read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import ssl
import threading
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.settings import SsoSettings

SECONDS = 10.0
MOST_READ = 1 << 20
KEPT_SECONDS = 3_600.0
KEYS_APART = 60.0
"""Keys that are not known are asked for at most so often, whoever sends tokens that name them."""
ALGORITHMS = ("RS256", "PS256", "ES256")
"""What an issuer may sign with: public keys alone, so that no secret of ours makes a token."""
_HERE = ("127.0.0.1", "::1", "localhost")


class SsoFailed(MinshengError):
    """Signing in by the issuer did not succeed. `message` and `hint` are Chinese; `why` is for the audit log and the
    operator."""

    def __init__(self, message: str, hint: str, why: str) -> None:
        super().__init__(message, hint)
        self.why = why


class _Discovery(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    id_token: Annotated[str, msgspec.Meta(min_length=1)]
    access_token: str = ""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered while somebody is away at the issuer: secrets that only this browser's way back knows."""

    state: str
    nonce: str
    verifier: str
    next: str
    at: float


class Issuer:
    """One issuer, and what is known of it. Used by several threads."""

    def __init__(self, settings: SsoSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._discovery: tuple[float, _Discovery] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self, next_path: str) -> Begun:
        """The secrets of a new way to the issuer and back."""
        return Begun(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48),
            next=next_path, at=self._clock.now().timestamp(),
        )  # fmt: skip

    def address(self, begun: Begun, back: str) -> str:
        """Where the browser goes to sign in; it comes back to `back`. Raises `SsoFailed`."""
        found = self.discovery()
        asked = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": back,
            "scope": " ".join(self._settings.scopes), "state": begun.state, "nonce": begun.nonce,
            "code_challenge": challenge(begun.verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        return _with(found.authorization_endpoint, asked)

    def leaving(self, back: str) -> str | None:
        """Where the browser goes to sign out at the issuer, too; None where it offers no such place."""
        found = self.discovery()
        if not found.end_session_endpoint:
            return None
        asked = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back}
        return _with(found.end_session_endpoint, asked)

    def claims(self, begun: Begun, code: str, back: str) -> dict[str, Any]:
        """What the issuer says of who came back with `code`. Raises `SsoFailed` where it is not as it must be."""
        found = self.discovery()
        answer = self._exchange(found, begun, code, back)
        claims = self._checked(found, answer.id_token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise _untrusted("the token's nonce is not the one that was sent")
        half = claims.get("at_hash")
        if half is not None and answer.access_token and half != _half_hash(answer.access_token):
            raise _untrusted("at_hash does not fit the access token")
        return claims

    def discovery(self) -> _Discovery:
        """What the issuer tells of itself. Raises `SsoFailed`."""
        with self._lock:
            now = self._clock.monotonic()
            if self._discovery is not None and now - self._discovery[0] < KEPT_SECONDS:
                return self._discovery[1]
            issuer = self._settings.issuer
            body = self._fetch("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                found = msgspec.json.decode(body, type=_Discovery)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _wrong_setting(f"its discovery document can't be read: {error}") from None
            if found.issuer != issuer:
                raise _wrong_setting(f"it calls itself {found.issuer!r}, the settings {issuer!r}")
            places = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.end_session_endpoint)
            if bad := [one for one in places if one and not safe(one)]:
                raise _wrong_setting(f"{bad[0]} is no https address")
            methods = found.code_challenge_methods_supported
            if methods is not None and "S256" not in methods:
                raise _wrong_setting("it does not support PKCE with S256")
            self._discovery = (now, found)
            return found

    def keys(self, *, anew: bool = False) -> KeySet:
        """The keys that the issuer signs with. Raises `SsoFailed`."""
        found = self.discovery()
        with self._lock:
            now = self._clock.monotonic()
            age = now - self._keys[0] if self._keys is not None else None
            if self._keys is not None and age is not None and age < (KEYS_APART if anew else KEPT_SECONDS):
                return self._keys[1]
            body = self._fetch("GET", found.jwks_uri)
            try:
                listed = msgspec.json.decode(body, type=dict[str, list[dict[str, Any]]])["keys"]
                # Keys of kinds that are not known here are none of ours.
                usable = [one for one in listed if one.get("kty") in ("RSA", "EC") and one.get("use", "sig") == "sig"]
                keys = KeySet.import_key_set({"keys": usable})
            except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, JoseError) as error:
                raise _wrong_setting(f"its keys can't be read: {error}") from None
            self._keys = (now, keys)
            return keys

    def _exchange(self, found: _Discovery, begun: Begun, code: str, back: str) -> _Answer:
        settings = self._settings
        sent = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": settings.client_id,
            "code_verifier": begun.verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if settings.client_secret is not None:
            secret = settings.client_secret.reveal()
            if "client_secret_basic" in found.token_endpoint_auth_methods_supported:
                # Each part is form-encoded first (RFC 6749, section 2.3.1).
                pair = ":".join(urlencode({"": part})[1:] for part in (settings.client_id, secret))
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                sent["client_secret"] = secret
        body = self._fetch("POST", found.token_endpoint, urlencode(sent).encode(), headers)
        try:
            return msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _untrusted("the token endpoint's answer holds no ID token") from None

    def _checked(self, found: _Discovery, token: str) -> dict[str, Any]:
        """The claims of a token that the issuer has signed, for us, and that holds now."""
        settings = self._settings
        allowed = [one for one in ALGORITHMS if one in found.id_token_signing_alg_values_supported] or ["RS256"]
        try:
            try:
                claims = jwt.decode(token, self.keys(), algorithms=allowed).claims
            except (JoseError, ValueError):  # perhaps signed with a key that is new
                claims = jwt.decode(token, self.keys(anew=True), algorithms=allowed).claims
        except (JoseError, ValueError) as error:
            raise _untrusted(f"the token's signature is not good: {type(error).__name__}") from None
        if claims.get("iss") != settings.issuer:
            raise _untrusted(f"the token is of another issuer: {str(claims.get('iss'))[:200]}")
        audience = claims.get("aud")
        every = audience if isinstance(audience, list) else [audience]
        if settings.client_id not in every:
            raise _untrusted("the token is for another program (aud)")
        if (len(every) > 1 or "azp" in claims) and claims.get("azp") != settings.client_id:
            raise _untrusted("the token was given to another program (azp)")
        now, leeway = self._clock.now().timestamp(), settings.leeway_seconds
        ends, made, begins = (claims.get(name) for name in ("exp", "iat", "nbf"))
        if not _is_time(ends) or not _is_time(made):
            raise _untrusted("the token does not say when it was made and how long it holds")
        assert ends is not None and made is not None
        if ends + leeway <= now:
            raise _untrusted("the token has expired", clocks=True)
        if made - leeway > now or (begins is not None and _is_time(begins) and begins - leeway > now):
            raise _untrusted("the token is of the future", clocks=True)
        if not isinstance(claims.get("sub"), str) or not 1 <= len(claims["sub"]) <= 255:
            raise _untrusted("the token names nobody (sub)")
        return dict(claims)

    def _fetch(self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        if not safe(url):
            raise _wrong_setting(f"{url} is no https address")
        timeout = urllib3.Timeout(connect=SECONDS, read=SECONDS)
        context = ssl.create_default_context()
        if self._settings.ca_file:
            try:
                context.load_verify_locations(self._settings.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise _wrong_setting(f"sso.ca_file {self._settings.ca_file} can't be read: {error}") from None
        host = urlsplit(url).hostname
        with urllib3.PoolManager(timeout=timeout, retries=False, ssl_context=context) as pool:
            try:
                answer = pool.request(
                    method, url, body=body, headers={"User-Agent": "minsheng", **(headers or {})}, redirect=False,
                    preload_content=False,
                )  # fmt: skip
                read: bytes = answer.read(MOST_READ + 1)
                answer.close()
            except urllib3.exceptions.HTTPError as error:
                raise SsoFailed(
                    "统一身份认证暂时连不上", "请稍后再试；急用时请管理员给您一个口令。",
                    f"{host} can't be reached: {type(error).__name__}",
                ) from None  # fmt: skip
        if answer.status != 200 or len(read) > MOST_READ:
            raise SsoFailed(
                "统一身份认证没有通过", "请从登录页重新开始；仍然不行，请运维用 minsheng doctor 查看。",
                f"{host} answered {answer.status}: {_error_of(read)}",
            )  # fmt: skip
        return read


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636).

    Examples
    --------
    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def safe(url: str) -> bool:
    """Whether what is sent there is read by nobody on the way."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)


def _with(url: str, asked: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}"


def _half_hash(token: str) -> str:
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _error_of(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no reason"
    return str(told.get("error", "no reason"))[:100]


def _untrusted(why: str, *, clocks: bool = False) -> SsoFailed:
    hint = (
        "服务器时间可能不准：请运维核对本机和认证服务器的时间。" if clocks
        else "请从登录页重新开始；仍然不行，请运维查看审计日志里的原因。"
    )  # fmt: skip
    return SsoFailed("统一身份认证没有通过", hint, why)


def _wrong_setting(why: str) -> SsoFailed:
    return SsoFailed("统一身份认证设置有误", "请运维用 minsheng doctor 查看原因。", why)
