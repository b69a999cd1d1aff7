"""Whether this computer's login at Globus will do for the next night; nobody is asked."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.settings import Settings

SOON = timedelta(days=1)
"""A login that ends sooner does not last for the next night."""

_RENEW = "mapshell login"
_NEW = "mapshell login --force"


def trouble(settings: Settings, now: datetime, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return what is the matter with the login of a computer that archives, and the remedy; None when nothing is.

    A login is renewed by itself for as long as Globus does not end it, which no file tells; the rounds do.
    """
    own = settings.globus
    archives = bool(own.local_roots or own.shared_roots)
    if not archives or own.client_secret or not own.client_id or own.token_file is None:
        return None
    nobody = "nobody is logged in to Globus on this computer: nothing can be sent"
    if not own.token_file.exists():
        return nobody, _RENEW
    from globus_sdk import TransferClient

    from pipeline.globus.address import resolve
    from pipeline.globus.tokens import Notes, namespace, open_store

    try:
        realm = resolve(settings, environ).realm
    except MapshellError:
        return None  # a service that is not there says nothing of a login
    name = namespace(realm, own.client_id, unattended=False)
    try:
        with closing(open_store(own.token_file, name)) as store:
            tokens = store.get_token_data_by_resource_server()
    except MapshellError as error:
        return error.message, error.remedy
    if TransferClient.resource_server not in tokens:
        return nobody, _RENEW
    if Notes(own.token_file, name).pending:
        return "Globus wants a fresh login before it serves a collection again", _RENEW
    ends = [each.expires_at_seconds for each in tokens.values() if not each.refresh_token]
    at = datetime.fromtimestamp(min(ends), UTC).replace(tzinfo=None) if ends else None
    if at is not None and at <= now + SOON:
        return f"the login ends at {at:%Y-%m-%d %H:%M} UTC, and cannot renew itself", _NEW
    return None
