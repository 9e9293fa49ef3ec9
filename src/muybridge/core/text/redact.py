"""Secrets in texts. What opens a door is replaced by ``***`` wherever a text is written down, printed or sent; the text in use stays whole.

A text that came from a command line, an error of somebody's driver or an old run may hold a password in a URL, a signed query, a header, an
option, or the value of a variable. ``redacted`` knows these forms; one that it does not know is not hidden, so credentials belong where the
driver of a store looks for them, not into ``--out``.
"""

import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

HIDDEN = "***"
_WORD = (
    r"(?i:token|secret|passw(?:or)?d|passwd|passphrase|pwd|pat|credentials?|auth|authorization|cookie|jwt|sas|bearer"
    r"|(?:api|access|account|shared|secret|private|storage|encryption|auth|session|client|master|sas|ssh)[_.-]?key(?:[_.-]?id)?)"
)
_CAMEL = r"(?<=[a-z])(?:Token|Secret|Password|Key)"
SECRET = re.compile(rf"(?:[\w.-]*[_.-])?{_WORD}|[A-Za-z]*[a-z](?:Token|Secret|Password|Key)")
"""Names of options, fields and variables whose value is a secret."""
_URL = re.compile(r"(?<![\w+.-])([A-Za-z][A-Za-z0-9+.-]+):(/{1,3})([^\s\"'<>`|]+)")
_PORT = re.compile(r"\d{1,5}")
_VALUE = r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s\"',;&)\]}]+)"
_NAMED = re.compile(rf"((?:(?<![A-Za-z0-9]){_WORD}|{_CAMEL})[\"']?\s*(?:=>|[=:])\s*){_VALUE}")
_FLAG = re.compile(rf"(?<!\S)(--?(?:[\w.-]*[_.-])?{_WORD}\s+)(?!-){_VALUE}")
_HINTS = (
    "token",
    "secret",
    "passw",
    "passp",
    "pwd",
    "pat=",
    "pat:",
    "pat ",
    "pat'",
    'pat"',
    "credential",
    "auth",
    "cookie",
    "jwt",
    "sas",
    "bearer",
    "key",
)
"""A part of each name of a secret: most texts have none, and are not searched further."""
_HEADER = re.compile(
    r"\b((?i:(?:proxy-)?authorization)[\"']?\s*[:=]\s*[\"']?)([^\"'\r\n,}]+)|\b(Bearer\s+)([^\s\"',]{8,})"
)
_PLAIN = re.compile(r"(?:true|false|none|null|yes|no|\d{1,4}(?:\.\d+)?|\*\*\*)", re.IGNORECASE)
_TOKENS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}|\bhf_[A-Za-z0-9]{20,}|\bsk-[\w-]{20,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    re.DOTALL,
)
"""Tokens that say by their form what they are: keys of AWS, GitHub, GitLab, Hugging Face, OpenAI, Slack and Google, JWT, PEM."""
_MARKS = (
    "A3T",
    "AKIA",
    "ASIA",
    "ABIA",
    "ACCA",
    "gh",
    "github_",
    "hf_",
    "glpat-",
    "sk-",
    "xox",
    "AIza",
    "ya29",
    "eyJ",
    "-----B",
)
SHORTEST = 8
"""Letters of a variable's value that is looked for in texts; shorter ones are in too many words."""


def redacted(text: str) -> str:
    """A text without the secrets in it; one without secrets is given back as it is, and twice is as good as once."""
    return _without(text, _values())


def _without(text: str, values: Sequence[str]) -> str:
    for value in values:
        text = text.replace(value, HIDDEN)
    if any(mark in text for mark in _MARKS):
        text = _TOKENS.sub(HIDDEN, text)
    if ":/" in text:
        text = _URL.sub(lambda found: f"{found[1]}:{found[2]}{_rest(found[1], found[3])}", text)
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    text = _HEADER.sub(lambda found: f"{found[1] or found[3]}{HIDDEN}", text)
    text = _NAMED.sub(_hide, text)
    return _FLAG.sub(lambda found: f"{found[1]}{HIDDEN}", text)


def redact(content: object) -> Any:
    """Plain data with every text redacted, and hidden whole where its name, or the option before it in a list, is that of a secret."""
    return _inside(content, _values())


def _inside(content: object, values: Sequence[str]) -> object:
    if isinstance(content, str):
        return _without(content, values)
    if isinstance(content, Mapping):
        return {
            name: HIDDEN if _is_named(name, value) else _inside(value, values)
            for name, value in content.items()
        }
    if isinstance(content, list | tuple):
        flags = [False, *(isinstance(one, str) and _is_flag(one) for one in content)]
        return [
            HIDDEN if after and isinstance(one, str) and not one.startswith("-") else _inside(one, values)
            for after, one in zip(flags, content, strict=False)
        ]
    return content


def redacted_url(url: str) -> str:
    """A URL alone, which may hold blanks; as ``redacted`` has it."""
    protocol, mark, rest = url.partition(":")
    slashes = re.match("/*", rest)
    assert slashes is not None
    return f"{protocol}{mark}{slashes[0]}{_rest(protocol, rest[slashes.end() :])}" if mark else redacted(url)


def _is_named(name: object, value: object) -> bool:
    """Whether a field is that of a secret and has one."""
    secret = isinstance(name, str) and _is_secret(name)
    return secret and isinstance(value, str) and bool(value) and not _PLAIN.fullmatch(value)


def _is_flag(word: str) -> bool:
    return word.startswith("-") and _is_secret(word.lstrip("-"))


def _rest(protocol: str, rest: str) -> str:
    """What comes after the slashes of a URL, without the password of its user, the values of its query and of its fragment."""
    place, query, values = re.match(r"([^?#]*)((?:\?[^#]*)?)((?:#.*)?)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    authority = place.partition("/")[0]
    port = authority.rpartition(":")[2]
    # A key may hold slashes and @ itself, so what is before the last @ counts, unless the colon is that of a port.
    whole = place if ":" in authority and not _PORT.fullmatch(port) else authority
    user, at, _ = whole.rpartition("@")
    if at:
        place = f"{_user(protocol, user)}@{place[len(user) + 1 :]}"
    return place + _hidden_values(query) + (_hidden_values(values) if "=" in values else values)


def _user(protocol: str, user: str) -> str:
    name, colon, _ = user.partition(":")
    # The name of a person stays; over HTTP, and when it is long, it is a token as well as not.
    told = HIDDEN if protocol.lower().startswith(("http", "git")) or len(name) >= 20 else name
    return f"{told}:{HIDDEN}" if colon else told


def _hidden_values(query: str) -> str:
    if len(query) < 2:
        return query
    parts = re.split("([&;])", query[1:])
    return query[0] + "".join(
        part if part in "&;" else f"{part.partition('=')[0]}={HIDDEN}" if "=" in part else HIDDEN
        for part in parts
    )


def _hide(found: "re.Match[str]") -> str:
    value = found[2]
    quote = value[0] if value[0] in "\"'" else ""
    inner = value[1:-1] if quote else value
    return found[0] if not inner or _PLAIN.fullmatch(inner) else f"{found[1]}{quote}{HIDDEN}{quote}"


def _values() -> list[str]:
    """Values of variables whose name is that of a secret, the longest first; paths and numbers are none."""
    found = {os.environ[name] for name in os.environ if _is_secret(name)}
    kept = {
        value for value in found if len(value) >= SHORTEST and value[0] not in "/~" and not value.isdecimal()
    }
    return sorted(kept, key=len, reverse=True)


@lru_cache(4096)
def _is_secret(name: str) -> bool:
    return SECRET.fullmatch(name) is not None
