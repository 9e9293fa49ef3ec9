"""A server that answers as the Hugging Face Hub does, as far as ``push`` and ``pull`` ask it; repositories are folders in memory."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class FakeHub:
    """What the server holds and was told.

    Attributes:
        repos: files by repository.
        private: what ``create`` was told of each.
        sizes: what it says of the size of a file, where that is not true.
        asked: method and path of every request.
        tokens: that came with them.
    """

    url: str = ""
    repos: dict[str, Files] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def commit(self, repo: str) -> str:
        """Name of the state of a repository."""
        return hashlib.sha1(repr(sorted(self.repos[repo].items())).encode()).hexdigest()


@contextmanager
def serving() -> Iterator[FakeHub]:
    """The server, on a port of this machine."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            return

        def _send(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _json(self, content: object) -> None:
            self._send(200, json.dumps(content).encode(), Content_Type="application/json")

        def _missing(self) -> None:
            self._send(404, b'{"error": "Repository not found"}', X_Error_Code="RepoNotFound")

        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((self.command, path))
            hub.tokens.add(self.headers.get("Authorization") or "")
            if path == "/api/repos/create":
                told = json.loads(raw)
                repo = f"{told.get('organization') or 'me'}/{told['name']}"
                hub.repos.setdefault(repo, {})
                hub.private.setdefault(repo, bool(told.get("private")) or told.get("visibility") == "private")
                return self._json({"url": f"{hub.url}/{repo}", "id": repo})
            if path == "/api/whoami-v2":
                return self._json({"name": "me", "type": "user", "orgs": []})
            if path == "/api/validate-yaml":
                return self._json({"errors": [], "warnings": []})
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit|revision)/([^/]+)", path):
                return self._of_model(*found.groups(), raw)
            if (found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)) and found[
                1
            ] in hub.repos:
                content = hub.repos[found[1]].get(found[3])
                if content is None:
                    return self._send(404, b"", X_Error_Code="EntryNotFound")
                return self._send(
                    200,
                    content,
                    ETag=f'"{hashlib.sha1(content).hexdigest()}"',
                    X_Repo_Commit=hub.commit(found[1]),
                )
            return self._missing()

        def _of_model(self, repo: str, verb: str, revision: str, raw: bytes) -> None:
            if repo not in hub.repos:
                return self._missing()
            if verb == "preupload":
                names = [one["path"] for one in json.loads(raw)["files"]]
                return self._json(
                    {
                        "files": [
                            {"path": one, "uploadMode": "regular", "shouldIgnore": False} for one in names
                        ]
                    }
                )
            if verb == "commit":
                for line in raw.decode().splitlines():
                    told = json.loads(line)
                    if told["key"] == "file":
                        hub.repos[repo][told["value"]["path"]] = base64.b64decode(told["value"]["content"])
                sha = hub.commit(repo)
                return self._json(
                    {"success": True, "commitOid": sha, "commitUrl": f"{hub.url}/{repo}/commit/{sha}"}
                )
            siblings = [
                {"rfilename": name, "size": hub.sizes.get(name, len(content)), "blobId": "0" * 40}
                for name, content in hub.repos[repo].items()
            ]
            return self._json(
                {
                    "id": repo,
                    "modelId": repo,
                    "sha": hub.commit(repo),
                    "siblings": siblings,
                    "tags": [],
                    "private": False,
                }
            )

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815 - as the server calls them

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
