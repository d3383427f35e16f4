"""HTTP as the recorder needs it: the official client's connections and credentials, answers unread, errors as they are.

The client itself would retry 429 and 503 in silence and hide Retry-After, so its pool is used directly.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes.client import ApiClient
from urllib3.exceptions import HTTPError

Object = dict[str, Any]
"""Decoded JSON, as the server sent it."""


class HttpProblem(Exception):
    """The server answered with an error: its status, its own words, and Retry-After in seconds if it named one."""

    def __init__(self, status: int, message: str, retry_after: float = 0.0) -> None:
        self.status = status
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"HTTP {status}: {message}")

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered later."""
        return self.status in (408, 410, 429) or self.status >= 500


class Wire:
    """Requests to one API server. ``connect`` and ``answer`` are the longest silences allowed, in seconds.

    Raises ``HttpProblem``, and urllib3's ``HTTPError`` or ``OSError`` when there is no
    answer.
    """

    def __init__(self, client: ApiClient, connect: float, answer: float) -> None:
        self.client = client
        self._connect = connect
        self._answer = answer

    def headers(self) -> dict[str, str]:
        """Who we are, with credentials that are valid now."""
        credentials = self.client.configuration.auth_settings().values()
        return {**self.client.default_headers, **{auth["key"]: auth["value"] for auth in credentials}}

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        silence: float | None = None,
    ) -> urllib3.HTTPResponse:
        """Send one request and return the answer with its body unread."""
        configuration = self.client.configuration
        headers = {**self.headers(), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        response: urllib3.HTTPResponse = self.client.rest_client.pool_manager.request(
            method,
            configuration.host + path + ("?" + urlencode(query) if query else ""),
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            timeout=urllib3.Timeout(connect=self._connect, read=silence or self._answer),
            retries=False,
            preload_content=False,
        )
        if response.status >= 300:
            raise _problem(response)
        return response

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send one request and return the decoded answer."""
        response = self.request(method, path, query, body, content_type)
        try:
            answer = json.loads(response.data)
        except ValueError as error:
            raise HTTPError(f"answer of {path} is not JSON: {error}") from error
        finally:
            response.release_conn()
        if not isinstance(answer, dict):
            raise HTTPError(f"answer of {path} is not a JSON object")
        return answer

    def list(self, path: str, **query: str) -> tuple[int, list[Object]]:
        """Return the revision and the objects of a collection, with the kind and apiVersion that lists leave out."""
        answer = self.call("GET", path, query=query)
        try:
            kind = {"kind": answer["kind"].removesuffix("List"), "apiVersion": answer["apiVersion"]}
            return int(answer["metadata"]["resourceVersion"]), [{**kind, **item} for item in answer["items"] or ()]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise HTTPError(f"answer of {path} is not a list: {error!r}") from error


def _problem(response: urllib3.HTTPResponse) -> HttpProblem:
    with response:
        try:
            message = str(json.loads(response.data)["message"])
        except (ValueError, KeyError, TypeError, HTTPError):
            message = response.reason or "no reason given"
    after = response.headers.get("Retry-After", "")
    return HttpProblem(response.status, message, float(after) if after.isdigit() else 0.0)
