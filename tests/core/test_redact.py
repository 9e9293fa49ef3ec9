"""Secrets in texts: of every form that is known none is left, and what is no secret stays as it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.redact import HIDDEN, redact, redacted, redacted_url

S = "h7nter2XsEcRet"
SECRETS = [
    # the user of a URL
    f"sftp://me:{S}@host/x", f"ftp://me:{S}@host:21/x/y", f"s3://AKIAIOSFODNN7EXAMPLE:{S}@bucket/a", f"s3:/key:{S}@bucket/a",
    f"S3://key:{S}@b",
    f"s3://key:{S}/with+slash=@bucket/a", f"ftp://me:p@{S}@host/x", f"smb://dom;me:{S}@host/share", f"https://{S}@github.com/a/b",
    f"https://{S}:x-oauth-basic@github.com/a", f"git+https://{S}@h/a", f"simplecache::s3://k:{S}@b/x", f"redis://:{S}@host:6379/0",
    f"postgresql+psycopg://u:{S}@h/db", f"see sftp://me:{S}@host/x, or else", f"'sftp://me:{S}@host/x'", f"<sftp://me:{S}@host/x>",
    f"ray://u:{S}@10.0.0.1:10001", f"sftp://me:%40{S}%2F@host/x", f"error (sftp://me:{S}@host/x): refused", f"webdav+https://u:{S}@h/d",
    # the query of a URL
    f"https://h/x?token={S}", f"https://h/x?a=1&token={S}&b=2", f"https://h/x?X-Amz-Signature={S}&X-Amz-Credential={S}%2F2026",
    f"https://h/x?X-Amz-Security-Token={S}", f"https://b.blob.core.windows.net/c?sv=2024&sig={S}", f"https://h/x?{S}",
    f"https://h/x?se=1;sig={S}",
    f"https://h/x?X-Goog-Signature={S}", f"https://h/x?AWSAccessKeyId={S}&Signature={S}&Expires=1", f"https://h/x?api_key={S}#top",
    f"https://h/x#access_token={S}", f"https:/h/x?t={S}", f"abfs://c@a.dfs.core.windows.net/x?sig={S}", f"memory://x?code={S}",
    f"hf://datasets/a?k={S}",
    # options and their values
    f"--token {S}", f"--token={S}", f"--hub-token {S} --seed 3", f"--password '{S}'", f'--api-key "{S} with blanks"', f"-password {S}",
    f"--aws-secret-access-key={S}", f"muybridge probe --secret {S}", f"--storage.account_key={S}",
    # assignments and what programs print
    f"password={S}", f"PASSWORD: {S}", f"passwd = {S}", f"pwd={S};", f"AWS_SECRET_ACCESS_KEY={S}", f"export HF_TOKEN={S}",
    f"WANDB_API_KEY={S}",
    f"my_secret => {S}", f"{{'key': 'x', 'secret': '{S}', 'token': '{S}'}}", f'{{"api_key":"{S}"}}',
    f"client_kwargs={{'aws_session_token': '{S}'}}",
    f"S3FileSystem(key='x', secret='{S}')", f"accessKey={S}", f"sessionToken: {S}", f"AccountKey={S}==;EndpointSuffix=core.windows.net",
    f"SharedAccessKey={S}", f"private_key_id: {S}", f"machine h login me password: {S}", f"jwt={S}", f"cookie: {S}", f"credentials={S}",
    # headers
    f"Authorization: Bearer {S}", f"authorization: Basic {S}==", f"{{'Authorization': 'token {S}'}}",
    f"Proxy-Authorization: Digest {S}", f"Bearer {S}",
    # tokens by their form
    "AKIAIOSFODNN7EXAMPLE", "key ASIAIOSFODNN7EXAMPLE here",
    "ghp_" + "a1B2" * 9, "github_pat_" + "a1B2_" * 9, "glpat-" + "a1B2-" * 5, "hf_" + "aB1c" * 9,
    "sk-proj-" + "a1B2" * 9, "xoxb-1234567890-abcdefghij", "AIza" + "Sy0-_" * 8, "ya29." + "a0_-" * 8,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nx\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz", f"--token '{S} and {S}'",
]  # fmt: skip
OPEN = [
    "muybridge probe --data /data/UCF101 --out results --seed 3 --objective vcop", "runs/probe/0123456789abcdef",
    "s3://bucket/folder@v2/x",
    "http://host:8080/a@b", "sftp://me@host/x", "https://arxiv.org/abs/1706.05950 (2017)", "file:///tmp/x", "gs://bucket/a/b",
    "C:/a/b", "hf:name",
    "module:function", "tokens: 8, class_token: true", "signature: 3a85d0", "signature=0123456789abcdef",
    "keys=4, key: value, KeyError: 'x'", "",
    "author=me, authors: us", "path=/x, pattern=3, compat: 4", "a passing test: 3 passed", "the token of the class",
    "max_tokens=4096", "pat: 3",
    "monkey=4", "{'key': 'frames', 'token': None}", "basic features", "bearer of news", "secret: true", "spatial 4 x 4",
    "mass=3.5, sasl", "***",
    "number of tokens per clip: 1568", "sk-learn", "ghost_token", "the keyboard: a key=1",
]  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_no_secret_is_left(text: str):
    found = redacted(text)
    assert HIDDEN in found
    assert S not in found
    assert redacted(found) == found
    assert redacted(f"before {text} after").startswith("before ")
    assert S not in json.dumps(redact({"a": [text, {"b": text}], "c": text}))


@pytest.mark.parametrize("text", OPEN)
def test_what_is_no_secret_stays(text: str):
    assert redacted(text) == text
    assert redact([text]) == [text]


def test_the_place_of_a_url_stays():
    assert redacted(f"sftp://me:{S}@host:22/a/b") == "sftp://me:***@host:22/a/b"
    assert redacted(f"https://h/x?a=1&sig={S}#part") == "https://h/x?a=***&sig=***#part"
    assert redacted_url(f"sftp://me:{S} x@host/a b") == "sftp://me:***@host/a b"


def test_fields_and_options_by_their_name():
    argv = ["--password", S, "--seed", "3", "--token", "--dry-run"]
    told = {"hub_token": S, "seed": 3, "argv": argv, "api_key": None, "secret": "", "nested": ({"pwd": S},)}
    assert redact(told) == {
        "hub_token": HIDDEN, "seed": 3, "argv": ["--password", HIDDEN, "--seed", "3", "--token", "--dry-run"], "api_key": None,
        "secret": "", "nested": [{"pwd": HIDDEN}],
    }  # fmt: skip


def test_values_of_secret_variables_are_found_anywhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_API_KEY", S)
    monkeypatch.setenv("DB_PASSWORD", "short")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent.1")
    assert redacted(f"the service said {S}!") == "the service said ***!"
    assert redacted("a short word at /tmp/agent.1") == "a short word at /tmp/agent.1"
    monkeypatch.delenv("WANDB_API_KEY")
    assert redacted(f"the service said {S}!") == f"the service said {S}!"


def test_errors_say_none():
    for kind in (MuybridgeError, UsageError):
        assert S not in str(kind(f"sftp://me:{S}@host/x: cannot be reached"))


@given(st.text())
def test_any_text_can_be_redacted_and_twice_is_once(text: str):
    once = redacted(text)
    assert redacted(once) == once


@given(
    st.text(alphabet="abcXYZ012%+._~-", min_size=8),
    st.sampled_from(["sftp://u:{}@h/x", "https://h/x?k={}", "--token {}", "password={}", "Bearer {}"]),
)
def test_any_secret_is_hidden_in_any_frame(secret: str, frame: str):
    if secret.startswith("-") or secret.lower() in frame.lower():
        return
    assert secret not in redacted(frame.format(secret))
