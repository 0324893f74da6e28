"""``siaga report``: what happened between two times, as one HTML file and as a PDF.

``siaga report KIND STATION`` posts a report, as ``siaga send`` does: it did before there was a report after the day.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from siaga.cli.panels import PROVE

if TYPE_CHECKING:
    from siaga.afterday.material import Period

_SETTINGS: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
_TIME: Final = "a day such as 2022-02-23, or a time such as 2022-02-23T06:00 or 2022-02-23T06:00+07:00"


def register(app: typer.Typer) -> None:
    """Add ``siaga report``."""
    app.command(rich_help_panel=PROVE, context_settings=_SETTINGS)(report)


def report(
    context: typer.Context,
    *,
    start: str | None = typer.Option(None, "--from", help=f"When it begins: {_TIME}; today by default."),
    end: str | None = typer.Option(
        None, "--to", help="When it ends, itself not included; a day's end; now by default."
    ),
    out: Path = typer.Option(Path("laporan.html"), help="The HTML file to write."),
    pdf: bool = typer.Option(False, "--pdf", help="Write a PDF beside it too; needs Chromium."),
    language: str = typer.Option("id", "--lang", help="id (Indonesian) or en (English)."),
    edition: str = typer.Option(
        "leaders",
        "--for",
        help="leaders (names nobody and may be handed on), auditor, or commander, which is CONFIDENTIAL.",
    ),
) -> None:
    """Write what happened between two times as one HTML file, to read, print and hand on.

    It is whole in itself and needs no network: it opens from a USB stick. Times without an offset are in the
    election's time zone.

    'siaga report KIND STATION' still posts one report; 'siaga send --help' tells its options.
    """
    if context.args:
        _send_instead(context, mixed=start is not None or end is not None)
        return
    from siaga.afterday.page import Edition
    from siaga.afterday.paper import PaperError, print_pdf
    from siaga.afterday.read import zone_of
    from siaga.afterday.report import make_report
    from siaga.afterday.words import LANGUAGES
    from siaga.cli.running import settings_of_running
    from siaga.settings import SettingsError
    from sinks.audit_log import verify
    from sinks.reading import reading

    if edition not in set(Edition):
        raise SettingsError(f"for: there is no {edition[:20]!r}; choose one of {', '.join(Edition)}")
    if language not in LANGUAGES:
        raise SettingsError(f"lang: there is no {language[:20]!r}; choose one of {', '.join(LANGUAGES)}")
    settings, now = settings_of_running(), datetime.now(UTC)
    with reading(settings) as connection:
        made = make_report(
            connection,
            _period(start, end, now, zone_of(connection)),
            edition=Edition(edition),
            language=language,
            outlines=settings.outlines,
            at=now,
            broken=len(verify(connection).breaks),
        )
    try:
        out.write_text(made, "utf-8")
    except OSError as error:
        raise SettingsError(f"out: {out} cannot be written ({error.strerror}); name another file") from None
    typer.echo(str(out))
    if pdf:
        try:
            print_pdf(out, out.with_suffix(".pdf"))
        except PaperError as error:
            raise SettingsError(str(error)) from None
        typer.echo(str(out.with_suffix(".pdf")))


def _send_instead(context: typer.Context, *, mixed: bool) -> None:
    """Post a report, as 'siaga send' with the same arguments does."""
    if mixed:
        raise typer.BadParameter(f"there is no {context.args[0][:40]!r} here; see 'siaga report --help'", context)
    send: Any = context.find_root().command
    with send.commands["send"].make_context("siaga send", list(context.args), parent=context.parent) as made:
        made.command.invoke(made)


def _period(start: str | None, end: str | None, now: datetime, zone: str) -> Period:
    from zoneinfo import ZoneInfo

    from siaga.afterday.material import Period
    from siaga.settings import SettingsError

    there = ZoneInfo(zone)
    begins = (
        _moment("from", start, there)
        if start
        else now.astimezone(there).replace(hour=0, minute=0, second=0, microsecond=0)
    )
    ends = _moment("to", end, there, whole_day=True) if end else now
    try:
        return Period(begins, ends)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _moment(name: str, text: str, zone: tzinfo, *, whole_day: bool = False) -> datetime:
    """The time that was written; a day alone is its beginning, or its end where the ``whole_day`` counts."""
    from datetime import timedelta

    from siaga.settings import SettingsError

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{name}: {text[:40]!r} is no time; write {_TIME}") from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=zone)
    return at + timedelta(days=1) if whole_day and len(text) <= 10 else at
