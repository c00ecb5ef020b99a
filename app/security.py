"""Who may write, and text that stays text. Used by pages and routes alike, so it knows neither."""

import functools
import hashlib
import re
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from hmgc_core import settings
from hmgc_core.errors import NotAllowed

TOKEN_HEADER = "x-hmgc-token"  # noqa: S105 (a header's name, no secret)
TOKEN_LIFE_S = 30 * 24 * 3600
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1")


def sign(secret: str, annotator: str) -> str:
    """A token that says who labels; valid for TOKEN_LIFE_S, over restarts."""
    return _serializer(secret).dumps(annotator)


def annotator_of(secret: str, token: str) -> str:
    """Who a token was made for. Raises NotAllowed for a wrong or old one."""
    remedy = "reload the page and say who is labelling"
    try:
        return str(_serializer(secret).loads(token, max_age=TOKEN_LIFE_S))
    except SignatureExpired as error:
        raise NotAllowed("this page was opened too long ago", remedy=remedy) from error
    except BadSignature as error:
        raise NotAllowed("the request has no valid token", remedy=remedy) from error


@functools.lru_cache
def fingerprint(secret: str) -> str:
    """What tells this workspace from another one served at the same address; says nothing about the secret."""
    return hashlib.sha256(f"workspace {secret}".encode()).hexdigest()[:12]


def cookie_of(secret: str) -> str:
    """The name of a workspace's cookie: browsers send those of one port to all ports of a machine."""
    return f"hmgc_annotator_{fingerprint(secret)}"


@functools.lru_cache
def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="annotator")


def allowed_hosts() -> list[str]:
    """Host names the app answers to: this machine's, the address it listens on, and those of HMGC_ALLOWED_HOSTS."""
    further = [name.strip() for name in settings.setting("HMGC_ALLOWED_HOSTS").split(",")]
    return [name for name in (*LOCAL_HOSTS, settings.setting("HMGC_HOST"), *further) if name]


def is_known_host(header: str) -> bool:
    """A Host header, with or without its port, is one of `allowed_hosts`."""
    name = header.partition("]")[0] + "]" if header.startswith("[") else header.partition(":")[0]
    return name.lower() in {known.lower() for known in allowed_hosts()}


def same_origin(origin: str | None, host: str) -> bool:
    """The Origin header, where there is one, names the host that the request was sent to."""
    if not origin:
        return True
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # e.g. an unclosed bracket
        return False


_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:=&@^\"'])")


def escape_markdown(text: str) -> str:
    """User text for markdown: shown letter by letter, so that it can inject no picture, link, colour or formula.

    Line breaks become blanks. A letter with a meaning in markdown gets a backslash; `://` and `www.` are cut by an
    invisible joiner, so that no bare address turns into a link.
    """
    flat = " ".join(text.split())
    escaped = _SPECIAL.sub(r"\\\1", flat)
    return escaped.replace("\\:/", "\\:\u2060/").replace("www\\.", "www\u2060\\.").replace("\\@", "\u2060\\@")
