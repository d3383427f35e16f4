"""Between a client and an API server: counts requests, tells somebody of each, and may change what the server says."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import urllib3
import yaml
from urllib3.exceptions import HTTPError

from stsconf.kube.api import Api

HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "transfer-encoding"})
"""Headers that speak of one connection only (RFC 9110, section 7.6.1)."""

Heard = Callable[[str, str], bool]
"""Told of a request, its method and target, before it is passed on; false: it is not, and the connection ends."""


def config_for(url: str) -> dict[str, Any]:
    """A kubeconfig without credentials."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "relay", "cluster": {"server": url}}],
        "users": [{"name": "relay", "user": {}}],
        "contexts": [{"name": "relay", "context": {"cluster": "relay", "user": "relay"}}],
        "current-context": "relay",
    }


class Relay:
    """HTTP on loopback in front of an API server, with the rights of the connection it is given.

    ``kubeconfig``, in ``folder``, leads to it. ``skew``: seconds that the Date header of every answer is moved by.
    """

    def __init__(self, api: Api, folder: Path, heard: Heard = lambda *_: True, skew: float = 0.0) -> None:
        self._api = api
        self._heard = heard
        self._skew = timedelta(seconds=skew)
        self._open: set[urllib3.BaseHTTPResponse] = set()
        self._guard = threading.Lock()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _pass_on(self) -> None:
                relay.pass_on(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - the base class names them

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # a recorder opens all its watches at one time

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that was killed is no error."""
                if not isinstance(sys.exception(), ConnectionError):
                    super().handle_error(request, client_address)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.kubeconfig = folder / "relay.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config_for(self.url)))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End every connection."""
        self._server.shutdown()
        self.interrupt()
        self._server.server_close()

    def interrupt(self) -> None:
        """End every answer that is under way, watches among them."""
        with self._guard:
            for response in self._open:
                with suppress(ValueError, RuntimeError, OSError):  # it has just ended by itself
                    response.shutdown()

    def pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        """One request and its answer, in pieces as they come."""
        asked.close_connection = not self._answered(asked)

    def _answered(self, asked: BaseHTTPRequestHandler) -> bool:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        if not self._heard(asked.command, asked.path):
            return False
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP_BY_HOP}
        response = self._api.client.rest_client.pool_manager.request(
            asked.command,
            self._api.client.configuration.host + asked.path,
            headers=headers,
            body=body or None,
            timeout=urllib3.Timeout(connect=5.0, read=None),
            retries=False,
            preload_content=False,
            decode_content=False,
        )
        with self._guard:
            self._open.add(response)
        try:
            self._answer(asked, response)
        except (HTTPError, OSError):
            return False
        finally:
            with self._guard:
                self._open.discard(response)
            response.close()
        return True

    def _answer(self, asked: BaseHTTPRequestHandler, response: urllib3.BaseHTTPResponse) -> None:
        asked.send_response_only(response.status)
        for name, value in response.headers.items():
            if name.lower() == "date":
                asked.send_header(name, format_datetime(parsedate_to_datetime(value) + self._skew, usegmt=True))
            elif name.lower() not in (*HOP_BY_HOP, "content-length"):
                asked.send_header(name, value)
        asked.send_header("Transfer-Encoding", "chunked")
        asked.end_headers()
        while piece := response.read1(65536):
            asked.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        asked.wfile.write(b"0\r\n\r\n")


@contextmanager
def relayed(kubeconfig: Path, folder: Path, heard: Heard = lambda *_: True, skew: float = 0.0) -> Iterator[Relay]:
    """A relay with the rights of a kubeconfig; its own one is written to ``folder``."""
    with closing(Api.from_kubeconfig(kubeconfig, None)) as api, closing(Relay(api, folder, heard, skew)) as relay:
        yield relay
