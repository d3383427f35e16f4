"""What is stored of objects on other people's clusters: the shape, not the secrets."""

import hashlib
import hmac
import secrets

REDACTION = (
    "values of environment variables: keyed hash, the key is not kept",
    "annotations except kubernetes.io/change-cause: one keyed hash of all of them",
    "managedFields: fieldsV1 dropped",
)
KEPT_ANNOTATIONS = frozenset({"kubernetes.io/change-cause"})


class Redactor:
    """Replaces what other people's objects may hide. Equal secrets give equal hashes inside one recording only."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def _hash(self, value: object) -> str:
        return "redacted:" + hmac.new(self._secret, repr(value).encode(), hashlib.sha256).hexdigest()[:16]

    def __call__(self, value: object) -> object:
        """Return a copy of a JSON value that follows ``REDACTION``."""
        if isinstance(value, list):
            return [self(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: self._field(key, item) for key, item in value.items() if key != "fieldsV1"}

    def _field(self, key: str, item: object) -> object:
        if key == "env" and isinstance(item, list):
            return [
                {k: self._hash(v) if k == "value" else self(v) for k, v in variable.items()}
                if isinstance(variable, dict)
                else self(variable)
                for variable in item
            ]
        if key == "annotations" and isinstance(item, dict):
            kept = {k: v for k, v in item.items() if k in KEPT_ANNOTATIONS}
            hidden = sorted((k, v) for k, v in item.items() if k not in KEPT_ANNOTATIONS)
            return kept | ({"redacted": self._hash(hidden)} if hidden else {})
        return self(item)
