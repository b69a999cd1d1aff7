"""The RSA key that signs id tokens, and its public half as a JWK."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapshell.sandbox.database import Database

_KEY_ID = "sandbox"


class SigningKey:
    """Signs id tokens.  Made when somebody first logs in (which takes a while), then kept in the sandbox's database."""

    #: The one that Auth uses.
    algorithm = "RS512"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._made: Any = None

    @property
    def _key(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Any:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        stored = self._database.meta("signing_key")
        if stored is None:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            stored = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode("ascii")
            self._database.set_meta("signing_key", stored)
        return serialization.load_pem_private_key(stored.encode("ascii"), password=None)

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the claims as a signed token."""
        import jwt

        return jwt.encode(claims, self._key, algorithm=self.algorithm, headers={"kid": _KEY_ID})

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JWK set."""
        from jwt.algorithms import RSAAlgorithm

        jwk = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**jwk, "alg": self.algorithm, "use": "sig", "kid": _KEY_ID}]}
