"""What a collection demands of a session, and how it refuses one that does not satisfy it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.errors import ApiError
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mapshell.sandbox.sessions import Authentication, Sessions
    from mapshell.sandbox.spec import CollectionSpec
    from mapshell.sandbox.tokens import Grant

_KEYS = ("domains", "identities", "mfa", "policies", "message")
_MESSAGE = "Session reauthentication required (Globus Transfer)"


@dataclass(frozen=True)
class Demand:
    """One collection's authentication policy.

    Parameters
    ----------
    seconds
        How old the proof of who somebody is may be; None: any age.
    domains, identities
        Whose proof counts: of an identity of one of these domains, with one of these ids; empty: anybody's.
    mfa
        Whether a second factor is needed.
    policies
        Ids under which Auth knows the policy: the refusal then names them instead of what they ask for.
    message
        What the person is told.
    """

    seconds: float | None = None
    domains: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    mfa: bool = False
    policies: tuple[str, ...] = ()
    message: str = _MESSAGE

    @classmethod
    def read(cls, seconds: float | None, settings: Mapping[str, Any]) -> Demand | None:
        """Read the two settings of a collection; None when nothing is demanded.

        Raises
        ------
        UsageError
            A setting is unknown or of another kind than expected.
        """
        if seconds is None and not settings:
            return None
        lists = {name: settings.get(name, ()) for name in ("domains", "identities", "policies")}
        wrong = sorted(set(settings) - set(_KEYS)) or [
            name
            for name, value in lists.items()
            if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value)
        ]
        if wrong:
            raise UsageError(
                f"A collection of the sandbox has an unreadable session setting {wrong[0]!r}.",
                remedy=f"Known: {', '.join(_KEYS)}; the first two and policies are lists of texts.",
            )
        return cls(
            seconds=None if seconds is None else float(seconds),
            mfa=bool(settings.get("mfa", False)),
            message=str(settings.get("message") or _MESSAGE),
            **{name: tuple(each.lower() for each in value) for name, value in lists.items()},
        )

    def concerns(self, identity_id: str, domain: str) -> bool:
        """Tell whether the proof of an identity counts at all."""
        return (not self.domains or domain in self.domains) and (not self.identities or identity_id in self.identities)

    def met(self, proofs: Iterable[Authentication], now: float) -> bool:
        """Tell whether one of the proofs is good enough at ``now`` (seconds since 1970)."""
        return any(
            self.concerns(proof.identity_id, proof.domain)
            and (proof.mfa or not self.mfa)
            and (self.seconds is None or now - proof.time <= self.seconds)
            for proof in proofs
        )

    def parameters(self, identities: Sequence[str]) -> dict[str, Any]:
        """Return what the next login must carry; ``identities`` are the ids that would do, were they fresh."""
        if self.policies:
            return {"session_message": self.message, "session_required_policies": list(self.policies)}
        return {
            "session_message": self.message,
            "session_required_identities": list(identities),
            "session_required_mfa": self.mfa,
            "session_required_single_domain": [] if identities else list(self.domains),
        }


def require_session(
    sessions: Sessions, grant: Grant, collection_id: str, spec: CollectionSpec, failure: str = ""
) -> None:
    """Refuse a token whose session is not what the collection demands.

    Parameters
    ----------
    sessions
        Asked about the token's session.
    grant
        What the token allows.
    collection_id, spec
        The collection.
    failure
        What has failed, as in the service's code: ``DirListingFailed``, ``MkdirFailed`` ...; empty for a submission.

    Raises
    ------
    ApiError
        ``ExternalError.<failure>.LoginFailed``, 502, as the endpoint's own refusal comes through; for a submission
        ``PermissionDenied``, 403.  Both carry ``authorization_parameters``.
    """
    demand = spec.session_demand
    proofs = sessions.authentications(grant.session) if demand else []
    if demand is None or demand.met(proofs, time.time()):
        return
    parameters, said, detail = _refusal(demand, proofs)
    told = {
        "DATA_TYPE": "result#1.1.0",
        "authorization_parameters": {
            name: value for name, value in parameters.items() if name != "session_message" and value
        },
        "code": "permission_denied",
        "detail": detail,
        "has_next_page": False,
        "http_response_code": 403,
        "message": said,
    }
    endpoint = f"{spec.display_name} ({collection_id})"
    text = (
        f"Error (login)\nEndpoint: {endpoint}\nServer: 127.0.0.1:443\nMessage: Login Failed\n---\n"
        f"Details: 530-Login incorrect. : GlobusError: v=1 c=LOGIN_DENIED\\r\\n530-GridFTP-Message: {said}\\r\\n"
        f"530-GridFTP-JSON-Result: {json.dumps(told)}\\r\\n530 End.\\r\\n\n"
    )
    if failure:
        raise ApiError(
            502,
            f"ExternalError.{failure}.LoginFailed",
            f"Command Failed: {text}",
            authorization_parameters=parameters,
        )
    raise ApiError(
        403,
        "PermissionDenied",
        f"Error validating login to endpoint '{endpoint}', {text}",
        authorization_parameters=parameters,
    )


def _refusal(demand: Demand, proofs: Sequence[Authentication]) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Return the parameters of the next login, the collection's words and their details."""
    stale = [proof for proof in proofs if demand.concerns(proof.identity_id, proof.domain)]
    ids = [proof.identity_id for proof in stale]
    parameters = demand.parameters(ids or demand.identities)
    if demand.domains and not stale:
        said = "None of your authenticated identities are from domains allowed by resource policies"
        return parameters, said, {"DATA_TYPE": "not_from_allowed_domain#1.0.0", "allowed_domains": list(demand.domains)}
    names = ", ".join(proof.username for proof in stale) or ", ".join(demand.identities)
    said = f"You must reauthenticate one of your identities ({names}) in order to access this resource"
    detail = {
        "DATA_TYPE": "authentication_timeout#1.1.0",
        "high_assurance": True,
        "identities": ids,
        "require_mfa": demand.mfa,
    }
    return parameters, said, detail
