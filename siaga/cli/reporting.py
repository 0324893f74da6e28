"""``siaga send`` and ``siaga device``: one report from the command line, and the devices that may report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from siaga.cli.fail import fail
from siaga.cli.panels import PREPARE, REPORT
from siaga.cli.running import device_token, gateway_of, running

if TYPE_CHECKING:
    from siaga.contracts.registry import Device
    from siaga.settings import Settings

_READ_SECONDS: Final = 20.0


def register(app: typer.Typer) -> None:
    """Add ``siaga send`` and ``siaga device …``."""
    app.command(rich_help_panel=REPORT)(send)
    devices = typer.Typer(help="Devices that may report.", no_args_is_help=True)
    devices.command("add")(device_add)
    devices.command("list")(device_list)
    devices.command("revoke")(device_revoke)
    app.add_typer(devices, name="device", rich_help_panel=PREPARE)


# -- one report ---------------------------------------------------------------------------------------------------


def send(
    kind: str = typer.Argument(help="Such as violence.brawl."),
    station: str = typer.Argument(help="Such as 33.26.08.2001-003."),
    *,
    text: str = typer.Option("", help="What happened, in words."),
    injured: int | None = typer.Option(None, min=0, help="How many are injured."),
    dead: int | None = typer.Option(None, min=0, help="How many are dead."),
    crowd: int | None = typer.Option(None, min=0, help="How many people there are."),
    weapons: str | None = typer.Option(None, help="none, blunt, sharp, firearm or explosive."),
    ballots_threatened: bool | None = typer.Option(
        None, "--ballots-threatened/--ballots-safe", help="Whether ballots or their box are in danger."
    ),
    voting_stopped: bool | None = typer.Option(
        None, "--voting-stopped/--voting-goes-on", help="Whether voting has stopped."
    ),
    accused_unit: str | None = typer.Option(None, help="Code of the unit the report accuses."),
    reporter: str = typer.Option("posko", help="Id of the person who reports."),
    role: str = typer.Option("officer", help="officer, committee, witness, public or sensor."),
    at: str | None = typer.Option(None, help="When it happened: ISO 8601 with an offset; now by default."),
    drill: bool = typer.Option(False, "--drill", help="It is an exercise."),
    gateway: str | None = typer.Option(None, help="The gateway's address; the running one's by default."),
    as_json: bool = typer.Option(False, "--json", help="Print the gateway's answer as JSON."),
) -> None:
    """Send one report. The device's token is in SIAGA_TOKEN, or the running demonstration's is taken.

    What nobody counted or saw is left out: 0 and "no" are answers.
    """
    import json
    import uuid
    from datetime import UTC, datetime

    from siaga.device import Gateway, Unanswered, problems
    from siaga.settings import load_settings

    settings = load_settings()
    run = running(settings)
    facts = {
        "injured": injured,
        "dead": dead,
        "crowd": crowd,
        "weapons": weapons,
        "ballots_threatened": ballots_threatened,
        "voting_stopped": voting_stopped,
        "accused_unit": accused_unit,
    }
    item = {
        "schema_version": 1,
        "report_id": str(uuid.uuid4()),
        "kind": kind,
        "station_id": station,
        "occurred_at": at or datetime.now(UTC).isoformat(),
        "sent_at": datetime.now(UTC).isoformat(),
        "reporter": {"id": reporter, "role": role},
        "facts": {name: value for name, value in facts.items() if value is not None},
        "text": text,
        "drill": drill,
    }
    try:
        status, answer = Gateway(gateway or gateway_of(run, settings), device_token(run)).post("/v1/reports", item)
    except Unanswered as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    elif status == 202:
        typer.echo(f"{answer['report_id']} {answer['status']}")
    else:
        for line in problems(status, answer):
            typer.echo(f"siaga: {line}", err=True)
    if status != 202:
        raise typer.Exit(1)


# -- devices ------------------------------------------------------------------------------------------------------


def device_add(
    device_id: str = typer.Argument(help="The device's name: letters, digits and . _ : @ -"),
    *,
    district: list[str] = typer.Option([], help="Code of a province, regency or district it may report for."),
    station: list[str] = typer.Option([], help="A single station it may report for."),
    rate: int | None = typer.Option(None, min=1, help="Items it may send in a minute; the setting's by default."),
    renew: bool = typer.Option(False, "--renew", help="Replace a device of this name; its old token ends."),
    overlap: float = typer.Option(
        0.0, min=0, max=720, help="With --renew: hours for which the old token is good too."
    ),
    link: bool = typer.Option(
        False, "--link", help="Print a link instead, with which a phone takes its token on the gateway's page."
    ),
    gateway: str | None = typer.Option(
        None, help="With --link: the address at which phones reach the gateway; the running one's by default."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the token as JSON."),
) -> None:
    """Add a device and print its token, which nobody can read again later."""
    import json
    from datetime import UTC, datetime, timedelta

    from pydantic import ValidationError

    from producers.auth import make_device, renewed
    from siaga.contracts.decode import problems_of

    if not district and not station:
        fail("district: none is named; say what it may report for with --district CODE or --station NUMBER")
    settings = _with_kafka()
    page = _reporting_page(gateway, settings)
    try:
        made, token = make_device(device_id, tuple(district), stations=tuple(station), rate_per_minute=rate)
    except ValidationError as error:
        fail("\n".join(f"{p.field}: {p.message}; {p.remedy}" for p in problems_of(error)))
    there = _devices(settings).get(device_id)
    if there is not None and there.active and not renew:
        fail(f"device_id: there is a device {device_id}; choose another name, or replace it with --renew")
    if there is not None and there.active and overlap:
        made = renewed(made, there, datetime.now(UTC) + timedelta(hours=overlap))
    _publish(settings, made)
    if as_json:
        typer.echo(json.dumps({"device_id": device_id, "token": token, "link": f"{page}#{token}"}))
        return
    # What follows the # stays in the phone's browser: it is never asked for, so that no log of a server has it.
    typer.echo(f"{page}#{token}" if link else token)
    what = "link: whoever has it reports as this device. It" if link else "token: it"
    typer.echo(f"{device_id} may report now. Keep the {what} is not kept here and not shown again.", err=True)


def _reporting_page(gateway: str | None, settings: Settings) -> str:
    """The address of the page on which phones report."""
    address = gateway or gateway_of(running(settings), settings)
    if not address.startswith(("http://", "https://")):
        fail(f"gateway: {address!r} is no address; write the one that phones use, such as https://lapor.example")
    return f"{address.rstrip('/')}/lapor"


def device_list(as_json: bool = typer.Option(False, "--json", help="Print the devices as JSON.")) -> None:
    """List the devices."""
    import json

    found = sorted(_devices(_with_kafka()).values(), key=lambda device: device.device_id)
    if as_json:
        typer.echo(
            json.dumps(
                [device.model_dump(mode="json", exclude={"secret_sha256", "previous_sha256"}) for device in found]
            )
        )
        return
    for device in found:
        state = "active" if device.active else "revoked"
        rate = f" {device.rate_per_minute}/min" if device.rate_per_minute else ""
        typer.echo(f"{device.device_id} {state}{rate} {' '.join((*device.districts, *device.stations))}")
    if not found:
        typer.echo("there is no device; add one with 'siaga device add'", err=True)


def device_revoke(device_id: str = typer.Argument(help="The device's name.")) -> None:
    """Let a device report no more, from now on. Its reports stay."""
    settings = _with_kafka()
    there = _devices(settings).get(device_id)
    if there is None:
        fail(f"device_id: there is no device {device_id}; see 'siaga device list'")
    _publish(settings, there.model_copy(update={"active": False}))
    typer.echo(f"{device_id} is revoked")


def _with_kafka() -> Settings:
    """The settings, with the running Siaga's broker where none is set."""
    from siaga.settings import load_settings

    settings = load_settings()
    if not settings.kafka:
        settings = settings.model_copy(update={"kafka": running(settings).get("kafka")})
    settings.require_kafka()
    return settings


def _devices(settings: Settings) -> dict[str, Device]:
    """Every device in the registry, by its name."""
    from siaga.contracts.registry import Device, Entity
    from siaga.wire.registry_tail import RegistryTail

    found: dict[str, Device] = {}

    def take(key: str, value: bytes | None) -> None:
        entity, _, name = key.partition("/")
        if entity != Entity.DEVICE:
            return
        if value is None:
            found.pop(name, None)
        else:
            found[name] = Device.model_validate_json(value)

    tail = RegistryTail(settings, take, client_id="siaga-cli")
    tail.start()
    try:
        if not tail.wait_caught_up(_READ_SECONDS):
            fail(f"kafka: {settings.kafka} does not show the registry; start it, or make it with 'siaga topics'")
    finally:
        tail.stop()
    return found


def _publish(settings: Settings, device: Device) -> None:
    from siaga.wire.registry_tail import RegistryError, publish_entries

    try:
        publish_entries(settings, [device])
    except RegistryError as error:
        fail(str(error))
