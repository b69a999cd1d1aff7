"""The sandbox's own API under ``/sandbox``: settings of collections, faults, counts.  Guarded by the admin token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import constants, journal, misbehave
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.faults import read_fault
from mapshell.sandbox.holds import HOLDS
from mapshell.sandbox.realism import chosen
from mapshell.sandbox.spec import CollectionSpec
from mapshell.sandbox.taskdocs import task_document
from mapshell.sandbox.web import route
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from starlette.routing import Route

    from mapshell.sandbox.core import Core
    from mapshell.sandbox.web import Call, Handler


def _guarded(handler: Handler) -> Handler:
    def guarded(core: Core, call: Call) -> Any:
        if not hmac.compare_digest((call.bearer() or "").encode(), core.admin_token.encode()):
            raise ApiError(401, "AuthenticationFailed", "The admin token of the state file is needed")
        try:
            return handler(core, call)
        except MapshellError as error:
            raise ApiError(400, "ClientError.BadRequest", error.message, remedy=error.remedy) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ApiError(400, "ClientError.BadRequest", f"{type(error).__name__}: {error}") from error

    return guarded


def _info(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return {
        "auth_url": core.auth_url,
        "transfer_url": core.transfer_url,
        "collections": {name: spec.to_json() for name, spec in core.collections.all().items()},
        "identities": [identity.document() for identity in core.accounts.people()],
    }


def _put_collection(core: Core, call: Call) -> dict[str, Any]:
    core.collections.put(call.params["id"], CollectionSpec.from_json(call.json()))
    return {"id": call.params["id"], **core.collections.all()[call.params["id"].lower()].to_json()}


def _change_collection(core: Core, call: Call) -> dict[str, Any]:
    return {"id": call.params["id"], **core.collections.change(call.params["id"], call.json()).to_json()}


def _remove_collection(core: Core, call: Call) -> dict[str, Any]:
    core.collections.remove(call.params["id"])
    return {}


def _realism(core: Core, call: Call) -> dict[str, Any]:
    if call.method == "PATCH":
        core.set_realism(chosen(core.realism, call.json()))
    return core.realism.to_json()


def _counts(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return {"counts": core.requests.counts()}


def _recent(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return {"requests": core.requests.recent()}


def _log(core: Core, call: Call) -> dict[str, Any]:
    return journal.entries(core, call.query)


def _reset_counts(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    core.requests.reset()
    return {}


def _add_faults(core: Core, call: Call) -> dict[str, Any]:
    # All are read before the first takes effect.
    added = core.faults.add([read_fault(fault) for fault in call.json()["faults"]])
    return {"faults": [entry.to_json() for entry in added]}


def _faults(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return {"faults": [entry.to_json() for entry in core.faults.entries()]}


def _clear_faults(core: Core, call: Call) -> dict[str, Any]:
    numbers = [int(number) for name, number in call.pairs if name == "number"]
    cleared = core.faults.clear(numbers)
    if not numbers:
        for task_id in core.tasks.active():
            task = core.tasks.get(task_id)
            if task is not None and task.fault is not None:
                misbehave.forget(core.tasks, task)
                core.engine.schedule(task_id)
    return {"cleared": cleared}


def _tasks(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    tasks = core.tasks.owned(None)
    return {"tasks": [{**task_document(task, core.display_name), "number": task.number} for task in tasks]}


def _control_task(core: Core, call: Call) -> dict[str, Any]:
    task_id, body = call.params["id"].lower(), call.json()
    if core.tasks.get(task_id) is None:
        raise ApiError(404, "ClientError.NotFound", f"Task ID not found: {task_id}")
    action = body["action"]
    if action in HOLDS:
        core.engine.hold(task_id, HOLDS[action])
    elif action == "release":
        _forget_fault(core, task_id)
        core.engine.release(task_id)
    elif action == "cancel":
        core.tasks.update(task_id, options={**_options(core, task_id), **_canceled_by_admin(body)})
        core.engine.cancel(task_id)
    elif action == "fail":
        code, description = body.get("code", "ENDPOINT_ERROR"), body.get("description", "endpoint error")
        core.engine.fail(task_id, str(code), str(description))
    elif action == "expire":
        core.tasks.update(task_id, deadline=1.0)
        core.engine.schedule(task_id)
    else:
        raise ValueError("action must be one of hold, pause, inactive, release, cancel, fail, expire")
    return {}


def _forget_fault(core: Core, task_id: str) -> None:
    task = core.tasks.get(task_id)
    if task is not None and task.fault is not None and task.hold is None:
        misbehave.forget(core.tasks, task)


def _options(core: Core, task_id: str) -> dict[str, Any]:
    task = core.tasks.get(task_id)
    return {} if task is None else task.options


def _canceled_by_admin(body: dict[str, Any]) -> dict[str, Any]:
    if "message" not in body:
        return {}
    return {"canceled_by_admin": "SOURCE", "canceled_by_admin_message": body["message"]}


def _end_tokens(core: Core, call: Call) -> dict[str, Any]:
    body = call.json()
    how = body["how"]
    if how not in {"expire", "revoke"}:
        raise ValueError("how must be expire or revoke")
    identity = _identity_id(core, body.get("identity"))
    return {"changed": core.tokens.end_all(kind=body.get("kind"), how=how, identity_id=identity)}


def _withdraw(core: Core, call: Call) -> dict[str, Any]:
    identity = _identity_id(core, call.query.get("identity"))
    return {"changed": core.tokens.withdraw_consents(call.query.get("scope"), identity_id=identity)}


def _identity_id(core: Core, name: str | None) -> str | None:
    if name is None:
        return None
    found = core.accounts.find(name)
    if found is None:
        raise ValueError(f"the sandbox knows nobody called {name!r}")
    return found.id


def _add_identity(core: Core, call: Call) -> dict[str, Any]:
    body = call.json()
    linked = body.get("linked_to")
    return core.accounts.add_identity(str(body["username"]), name=body.get("name"), linked_to=linked).document()


def _add_client(core: Core, call: Call) -> dict[str, Any]:
    body = call.json()
    lists = {name: body.get(name) for name in ("scopes", "redirects")}
    core.accounts.add_client(str(body["id"]), str(body["secret"]), **lists)
    return {}


def _expire_sessions(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    return {"changed": core.tokens.sessions.expire()}


def _stop(core: Core, call: Call) -> dict[str, Any]:  # noqa: ARG001 - all handlers have one form
    core.request_stop()
    return {}


def routes(core: Core) -> list[Route]:
    """All routes of the admin API."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/info", _info),
        ("PUT", "/collections/{id}", _put_collection),
        ("PATCH", "/collections/{id}", _change_collection),
        ("DELETE", "/collections/{id}", _remove_collection),
        ("GET", "/realism", _realism),
        ("PATCH", "/realism", _realism),
        ("GET", "/counts", _counts),
        ("DELETE", "/counts", _reset_counts),
        ("GET", "/requests", _recent),
        ("GET", "/faults", _faults),
        ("POST", "/faults", _add_faults),
        ("DELETE", "/faults", _clear_faults),
        ("GET", "/log", _log),
        ("GET", "/tasks", _tasks),
        ("POST", "/tasks/{id}", _control_task),
        ("POST", "/tokens", _end_tokens),
        ("DELETE", "/consents", _withdraw),
        ("DELETE", "/sessions", _expire_sessions),
        ("POST", "/identities", _add_identity),
        ("POST", "/clients", _add_client),
        ("POST", "/stop", _stop),
    )
    return [route(core, method, constants.ADMIN_PREFIX + path, _guarded(handler)) for method, path, handler in table]
