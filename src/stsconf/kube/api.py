"""Plain JSON calls to an API server over the official client's connection and credentials.

The client's typed models drop fields they do not know, so objects stay dictionaries here, as the server sent them.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import urllib3
import websocket
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import list_kube_config_contexts

from stsconf.errors import ClusterError, StsconfError
from stsconf.kube.http import HttpProblem, Wire
from stsconf.kube.http import Object as Object
from stsconf.kube.kubeconfig import client

_RESOURCES: Mapping[str, tuple[str, str]] = {
    "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    "ConfigMap": ("api/v1", "configmaps"),
    "ControllerRevision": ("apis/apps/v1", "controllerrevisions"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Event": ("api/v1", "events"),
    "Namespace": ("api/v1", "namespaces"),
    "Node": ("api/v1", "nodes"),
    "PersistentVolume": ("api/v1", "persistentvolumes"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "Role": ("apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "Service": ("api/v1", "services"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
    "StorageClass": ("apis/storage.k8s.io/v1", "storageclasses"),
}

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"


class ApiError(StsconfError):
    """The server answered, and the answer was no. ``status`` is the HTTP code."""

    def __init__(self, status: int, method: str, path: str, message: str) -> None:
        self.status = status
        super().__init__(f"{method} {path} was answered with {status}: {message}")


class Api:
    """One API server. Every method returns the server's JSON and raises ``ApiError`` or ``ClusterError``."""

    def __init__(self, client: ApiClient, timeout: float = 30.0) -> None:
        client.user_agent = "stsconf"  # the server takes the field manager of our writes from it
        self.client = client
        self.wire = Wire(client, connect=5.0, answer=timeout)

    @classmethod
    def from_kubeconfig(
        cls, kubeconfig: Path | None, context: str | None, timeout: float = 30.0, impersonate: str | None = None
    ) -> Self:
        """Connect as kubectl would. Raises ``UsageError`` when the file or the context does not exist."""
        configuration = Configuration()
        configuration.connection_pool_maxsize = 64  # a recorder holds one open for each kind and namespace
        return cls(client(kubeconfig, context, configuration, impersonate), timeout)

    def close(self) -> None:
        """Close every idle connection."""
        self.client.rest_client.pool_manager.clear()

    @staticmethod
    def default_namespace(kubeconfig: Path | None, context: str | None) -> str:
        """The namespace of a context, as kubectl takes it when none is named."""
        contexts, active = list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
        chosen = next((one for one in contexts if one["name"] == context), active)
        return str(chosen["context"].get("namespace") or "default")

    def request(
        self, method: str, path: str, body: object | None = None, content_type: str = "application/json"
    ) -> Object:
        """One call, no retry. ``path`` begins after the host, with its query."""
        try:
            response = self.wire.request(method, f"/{path}", body=body, content_type=content_type)
            text = response.data.decode("utf-8", "replace")
            response.release_conn()
        except HttpProblem as problem:
            raise ApiError(problem.status, method, path, problem.message) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(
                "connect",
                f"the API server {self.client.configuration.host} does not answer ({type(error).__name__}).",
                "Check the address with `kubectl cluster-info`.",
            ) from None
        return json.loads(text) if text.startswith("{") else {"text": text}

    def path(self, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The path of a collection or of one object."""
        group, resource = _RESOURCES[kind]
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{group}{scope}/{resource}" + (f"/{name}" if name else "")

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object, or ``None`` when it does not exist."""
        try:
            return self.request("GET", self.path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, query: str = "") -> Iterator[Object]:
        """All objects of a collection."""
        yield from self.request("GET", self.path(kind, namespace) + query)["items"]

    def create(self, manifest: Mapping[str, Any], namespace: str | None = None) -> Object:
        """Create one object; ``namespace`` overrides the manifest's."""
        where = namespace or manifest["metadata"].get("namespace")
        return self.request("POST", self.path(manifest["kind"], where), dict(manifest))

    def patch(
        self, kind: str, name: str, body: object, namespace: str | None = None, content_type: str = MERGE_PATCH
    ) -> Object:
        """Patch one object and return it as stored."""
        return self.request("PATCH", self.path(kind, namespace, name), body, content_type)

    def patch_status(self, kind: str, name: str, body: object, namespace: str) -> Object:
        """Strategic-merge-patch the status of one object: conditions are merged by type."""
        path = f"{self.path(kind, namespace, name)}/status"
        return self.request("PATCH", path, body, STRATEGIC_MERGE_PATCH)

    def delete(self, kind: str, name: str, namespace: str | None = None, **options: object) -> Object | None:
        """Delete one object with the given DeleteOptions; ``None`` when it was not there."""
        try:
            return self.request("DELETE", self.path(kind, namespace, name), options or None)
        except ApiError as error:
            if error.status == 404:
                return None
            raise


EXEC_ERROR = b"\x03"
"""The channel on which the end of a command is told (v4.channel.k8s.io)."""


def run_in_pod(api: Api, namespace: str, pod: str, command: str) -> str:
    """Run a shell command in a pod's first container and return its output.

    Raises ``ApiError`` when it fails or is not allowed. The official client's own way drops every header but the
    credentials, and with them who is impersonated.
    """
    where = f"{namespace}/{pod}"
    query = [("stdout", "true"), ("stderr", "true"), *(("command", word) for word in ("sh", "-c", command))]
    output, status = b"", b"{}"
    try:
        connection = _websocket(api, f"/api/v1/namespaces/{namespace}/pods/{pod}/exec?{urlencode(query)}")
        with closing(connection):
            while status == b"{}":
                kind, frame = connection.recv_data()
                if kind == websocket.ABNF.OPCODE_CLOSE:
                    break
                if frame[:1] == EXEC_ERROR:
                    status = frame[1:]
                else:
                    output += frame[1:]
    except websocket.WebSocketBadStatusException as error:
        raise ApiError(error.status_code, "exec", where, (error.resp_body or b"")[:200].decode()) from None
    except (websocket.WebSocketException, OSError) as error:
        raise ClusterError("connect", f"exec in {where} was cut off ({type(error).__name__}).") from None
    answer = output.decode("utf-8", "replace")
    if json.loads(status).get("status") != "Success":
        raise ApiError(500, "exec", where, answer[:200])
    return answer.rstrip()


def _websocket(api: Api, path: str) -> websocket.WebSocket:
    settings = api.client.configuration
    tls = {
        "cert_reqs": ssl.CERT_REQUIRED if settings.verify_ssl else ssl.CERT_NONE,
        "ca_certs": settings.ssl_ca_cert,
        "certfile": settings.cert_file,
        "keyfile": settings.key_file,
        "server_hostname": settings.tls_server_name,
    }
    proxy = urlsplit(settings.proxy) if settings.proxy else None
    return websocket.create_connection(
        settings.host.replace("http", "ws", 1) + path,
        timeout=30,
        header=api.wire.headers(),
        sslopt={key: value for key, value in tls.items() if value is not None},
        subprotocols=["v4.channel.k8s.io"],
        suppress_origin=True,
        http_proxy_host=proxy.hostname if proxy else None,
        http_proxy_port=proxy.port if proxy else None,
    )


def identify(api: Api) -> tuple[str, str]:
    """Server version and cluster uid (the uid of namespace kube-system; empty where it may not be read)."""
    version = str(api.request("GET", "version")["gitVersion"])
    try:
        namespace = api.get("Namespace", "kube-system")
    except Exception:
        namespace = None
    return version, namespace["metadata"]["uid"] if namespace else ""
