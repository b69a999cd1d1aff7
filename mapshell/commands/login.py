"""``mapshell login``, ``logout`` and ``whoami``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings

CONSENTS = {"given": "given", "missing": "missing: run mapshell login", "not needed": "not needed"}


def _manager(ctx: Context, settings: Settings) -> GlobusStorageManager:
    """Return a manager that does not log in by itself; starts the local service that the settings name."""
    from pipeline.globus import GlobusStorageManager

    ctx.start_sandbox()
    return GlobusStorageManager(settings, interactive=False, environ=ctx.environ)


def _with_archives(ctx: Context) -> Settings:
    """Return the settings with the archives that the database knows, so that one login has all consents.

    A database that does not exist yet, or cannot be reached, is no reason not to log in.
    """
    from pipeline.errors import MapshellError
    from pipeline.locations import with_known

    embedded = ctx.settings.database.embedded
    if embedded is not None and not embedded.exists():
        return ctx.settings
    try:
        ctx.database()
    except MapshellError as error:
        ctx.output.say(f"{error.message} Only the collections of the configuration are asked for.")
        return ctx.settings
    return with_known(ctx.settings)


@click.command()
@click.option("--no-browser", is_flag=True, help="Show an address, and read the code that it gives from the input.")
@click.option("--force", is_flag=True, help="Log in anew, and look anew at the configured collections.")
@pass_context
def login(ctx: Context, no_browser: bool, force: bool) -> None:
    """Log in to Globus, with the consents for all configured collections at once.

    A page opens in the browser of this computer; where there is none (over SSH, say) an address is shown, and the code
    that it gives is pasted here.  A rig that runs unattended needs no login: it has MAPSHELL_GLOBUS_CLIENT_SECRET.

    \b
    Examples:
      mapshell login
      mapshell login --no-browser
    """
    from pipeline.errors import LoginNeeded

    # With --no-browser a program may give the code; without it, somebody must be there.
    if not ctx.interactive and (ctx.options.no_input or not no_browser) and not ctx.settings.globus.client_secret:
        raise LoginNeeded(
            "Logging in to Globus needs somebody to ask, and this is no terminal.",
            remedy="run mapshell login in a terminal; a rig that runs unattended uses MAPSHELL_GLOBUS_CLIENT_SECRET",
        )
    with _manager(ctx, _with_archives(ctx)) as manager:
        fresh = manager.login(browser=False if no_browser else None, force=force)
        ctx.output.say("Logged in to Globus." if fresh else "Already logged in to Globus, with all consents.")
        _show(ctx, manager.whoami())


@click.command()
@pass_context
def logout(ctx: Context) -> None:
    """Revoke the Globus login of this computer and delete its tokens.

    \b
    Example:
      mapshell logout
    """
    with _manager(ctx, ctx.settings) as manager:
        there = manager.logout()
    if ctx.output.for_programs:
        ctx.output.data({"logged_out": there})
    else:
        ctx.output.say("Logged out of Globus; the tokens are revoked." if there else "Nobody was logged in to Globus.")


@click.command()
@pass_context
def whoami(ctx: Context) -> None:
    """Show who is logged in to Globus, where, and which consents are given.

    \b
    Example:
      mapshell whoami
    """
    with _manager(ctx, _with_archives(ctx)) as manager:
        _show(ctx, manager.whoami())


def _show(ctx: Context, facts: dict[str, Any]) -> None:
    ctx.output.result(facts, lambda: ctx.output.data("\n".join(f"{what:<14}{value}" for what, value in _lines(facts))))


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what people want to know of ``GlobusStorageManager.whoami``."""
    expires = facts["access_token_expires"]
    kind = "client (unattended)" if facts["unattended"] else "person"
    lines = {
        "Logged in as": f"{facts['username']} ({facts['name']})" if facts["name"] else facts["username"],
        "E-mail": facts["email"],
        "Identity": f"{facts['identity']}, {kind}",
        "Client id": facts["client_id"],
        "Globus Auth": facts["auth_url"],
        "Token": f"renewed by itself; the present one ends {expires:%Y-%m-%d %H:%M} UTC" if expires else None,
        "Token file": facts["token_file"],
    }
    for title, value in lines.items():
        if value:
            yield title, str(value)
    for each in facts["collections"]:
        local = ", on this computer" if each["id"] in facts["local_endpoints"] else ""
        yield "Collection", f"{each['name']}{local}; consent {CONSENTS[each['consent']]}"
