"""``overflight decision``: changes of the policy in force under dual control, on a record that cannot be rewritten unseen."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overflight.cli import _decision_reports
from overflight.cli._comparison import (
    Asked,
    AtOption,
    ClassOption,
    ConstellationsOption,
    ContractsOption,
    LangOption,
    OutOption,
    RegistryOption,
    ReportsOption,
    ScenarioOption,
    SlotsOption,
    TerminalsOption,
    TerritoryOption,
    check_language,
    work_out,
)
from overflight.cli._decision_people import key_app, person_app
from overflight.cli._decision_shared import (
    DEFAULT_RECORD,
    InterestsOption,
    KeyOption,
    MarkingOption,
    NoInterestsOption,
    PassphraseOption,
    ReasonOption,
    RecordOption,
    act,
    read_grounds,
    read_interests,
    read_key,
    reading,
    report_entries,
)
from overflight.cli._shared import (
    ElementsOption,
    HoursOption,
    JsonOption,
    OverwriteOption,
    StrictOption,
    ThreadsOption,
    read_instant,
    say,
    write_json,
)

if TYPE_CHECKING:
    from overflight.decisions.bodies import EntryKind, Interest
    from overflight.decisions.markings import Marking
    from overflight.decisions.rules import Role

app = typer.Typer(help="Change policies under dual control, on a signed record.", no_args_is_help=True, rich_markup_mode=None)

DecisionArgument = Annotated[str, typer.Argument(metavar="DECISION", help="First digits of the decision, or 'last'.", show_default=False)]
BehalfOption = Annotated[str, typer.Option("--on-behalf-of", metavar="PARTY", help="On whose behalf you ask.", show_default=False)]
ChannelOption = Annotated[
    str, typer.Option("--channel", metavar="TEXT", help="How the wish came: a letter, a call, an order.", show_default=False)
]
PartyOption = Annotated[
    list[str] | None, typer.Option("--party", metavar="PARTY", help="Further party concerned; may be repeated.", show_default=False)
]
EvidenceOption = Annotated[
    list[Path] | None,
    typer.Option("--evidence", metavar="FILE", help="Evidence, recorded by its hash; may be repeated.", show_default=False),
]
RoleOption = Annotated[
    str | None,
    typer.Option("--role", metavar="ROLE", help="Role in which you vote. Default: the first empty seat of yours.", show_default=False),
]


@app.command(short_help="Begin a record.")
def init(
    origin: Annotated[
        str, typer.Option("--origin", metavar="NAME", help="Name of the record, like a URL without https://.", show_default=False)
    ],
    founders: Annotated[
        Path, typer.Option("--founders", metavar="FILE", help="The people with whom it begins, in TOML.", show_default=False)
    ],
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Rules in TOML. Default: the built-in ones.", show_default=False)
    ] = None,
    log_keys: Annotated[
        Path, typer.Option("--log-keys", metavar="DIR", help="Folder for the keys of the logs, which sign checkpoints.")
    ] = Path("log-keys"),
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Begin a record: its rules, its first people, and a log for each marking with a key of its own."""
    from overflight import clock
    from overflight.decisions.entry import Draft
    from overflight.decisions.founders import load_founders
    from overflight.decisions.record import check_founders, found_acts, found_record
    from overflight.decisions.rules import Rules, load_rules

    private = read_key(key, passphrase_file)
    people = load_founders(founders)
    chosen = Rules() if rules is None else load_rules(rules)
    author = check_founders(people, private, origin)
    keys, made = _make_log_keys(log_keys, origin)
    now = clock.now()
    acts = found_acts(
        people, author=author, log_keys=keys, rules=chosen, draft=lambda kind, marking, by, body: Draft(kind, marking, by, now, body)
    )
    try:
        entries = found_record(record, private, acts)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    report_entries(entries, as_json=as_json, extra={"log_keys": dict(keys)})
    say(f"keep the private keys in {log_keys} apart from the record, and hand out the .pub files: whoever verifies needs them")


@app.command(short_help="Ask for a change.")
def request(
    on_behalf_of: BehalfOption,
    channel: ChannelOption,
    reason: ReasonOption,
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="POLICY", help="Policy in TOML, 'public' for the built-in one, or 'none'.", show_default=False),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Other rules for the record, instead of a policy.", show_default=False)
    ] = None,
    emergency: Annotated[bool, typer.Option("--emergency", help="At once and for a time: it expires unless ratified.")] = False,  # noqa: FBT002
    party: PartyOption = None,
    evidence: EvidenceOption = None,
    interest: InterestsOption = None,
    no_interests: NoInterestsOption = False,  # noqa: FBT002
    marking: MarkingOption = "public",
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Ask for another policy than the one in force, or for other rules."""
    from overflight.decisions import acts
    from overflight.decisions.documents import policy_document
    from overflight.decisions.markings import find_marking
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.rules import load_rules

    grounds = read_grounds(
        on_behalf_of=on_behalf_of,
        channel=channel,
        reason=reason,
        party=party,
        evidence=evidence,
        interests=read_interests(interest, none=no_interests),
    )
    where = find_marking(marking)
    if (policy is None) == (rules is None) or (emergency and rules is not None):
        msg = "give --policy, or --rules without --emergency"
        raise DecisionError(msg)
    if rules is not None:
        wanted = load_rules(rules)
        entries = act(
            record,
            key,
            passphrase_file,
            lambda actor, logs, _: [acts.request_rules(actor, logs, marking=where, rules=wanted, grounds=grounds)],
        )
    else:
        assert policy is not None
        parsed, document = (None, None) if policy == "none" else policy_document(policy)
        entries = act(
            record,
            key,
            passphrase_file,
            lambda actor, logs, opened: [
                acts.request_policy(
                    actor,
                    logs,
                    opened.store.document,
                    marking=where,
                    action="emergency" if emergency else "change",
                    policy=parsed,
                    document=document,
                    grounds=grounds,
                )
            ],
        )
    report_entries(entries, as_json=as_json, extra={"decision": entries[0].id})


@app.command(short_help="Attach an assessment.")
def assess(
    decision: DecisionArgument,
    document: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Assessment document of compare. Default: it is worked out here.", show_default=False),
    ] = None,
    territory: TerritoryOption = None,
    scenario: ScenarioOption = None,
    elements: ElementsOption = None,
    constellation: ConstellationsOption = None,
    at: AtOption = None,
    hours: HoursOption = 24.0,
    terminals: TerminalsOption = None,
    contracts: ContractsOption = None,
    terminal_class: ClassOption = "consumer",
    slots: SlotsOption = 12,
    reports: ReportsOption = None,
    registry: RegistryOption = None,
    lang: LangOption = "en",
    out: OutOption = None,
    overwrite: OverwriteOption = False,  # noqa: FBT002
    threads: ThreadsOption = None,
    strict: StrictOption = False,  # noqa: FBT002
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Attach an assessment of what the change would do: a document of compare, or one worked out from the record's own policies."""
    from overflight.decisions import acts
    from overflight.decisions.documents import read_assessment
    from overflight.decisions.refusals import DecisionError

    asked = Asked(
        territory=territory,
        scenario=scenario,
        elements=tuple(elements or ()),
        constellations=tuple(constellation or ()),
        at=at,
        hours=hours,
        terminals=terminals,
        contracts=contracts,
        terminal_class=terminal_class,
        slots=slots,
        reports=reports,
        registry=registry,
        threads=threads,
        strict=strict,
    )
    if document is not None and (asked, lang, out, overwrite) != (Asked(), "en", None, False):
        msg = f"{document} is an assessment already; leave out the options of what is simulated and written, or the document"
        raise DecisionError(msg)
    path = document or _work_out(decision, asked, record, key, passphrase_file, lang=lang, out=out, overwrite=overwrite)
    found = read_assessment(path)
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: [acts.assess(actor, decision=acts.find_decision(logs, decision), assessment=found)],
    )
    report_entries(entries, as_json=as_json)


def _work_out(
    decision: str,
    asked: Asked,
    record: str,
    key: Path | None,
    passphrase_file: Path | None,
    *,
    lang: str,
    out: Path | None,
    overwrite: bool,
) -> Path:
    """Compare the two policies of a decision as the record keeps them; returns the document written."""
    from overflight.decisions.acts import find_decision, policies_of
    from overflight.report.assessment import DOCUMENT

    check_language(lang)
    if key is None:
        read_key(None)  # refused now rather than after the work
    with reading(record, key, passphrase_file) as opened:
        found = find_decision(opened.logs, decision)
        before, after = policies_of(opened.store.document, opened.logs, found)
    # A public record is no place for who owns which terminal.
    made = work_out(replace(asked, discloses=found.marking != "public"), before, after)
    folder = out or made.default_folder()
    if found.marking != "public":
        # Not for everybody who can read this machine's folders.
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    made.write(folder, lang=lang, overwrite=overwrite)
    say(f"wrote {folder / DOCUMENT} (sha256 {made.sha256}) and assessment.html beside it")
    return folder / DOCUMENT


@app.command(short_help="Approve a decision.")
def approve(
    decision: DecisionArgument,
    reason: ReasonOption,
    role: RoleOption = None,
    interest: InterestsOption = None,
    no_interests: NoInterestsOption = False,  # noqa: FBT002
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Approve a decision, on the assessment that it has now."""
    _vote("approve", decision, role, reason, read_interests(interest, none=no_interests), record, key, passphrase_file, as_json=as_json)


@app.command(short_help="Reject a decision.")
def reject(
    decision: DecisionArgument,
    reason: ReasonOption,
    role: RoleOption = None,
    interest: InterestsOption = None,
    no_interests: NoInterestsOption = False,  # noqa: FBT002
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Reject a decision; it is closed once the seats that the rules ask for have rejected it."""
    _vote("reject", decision, role, reason, read_interests(interest, none=no_interests), record, key, passphrase_file, as_json=as_json)


@app.command(short_help="Ratify an emergency.")
def ratify(
    decision: DecisionArgument,
    reason: ReasonOption,
    role: RoleOption = None,
    interest: InterestsOption = None,
    no_interests: NoInterestsOption = False,  # noqa: FBT002
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Ratify an emergency in force, before it expires, so that it stays."""
    _vote("ratify", decision, role, reason, read_interests(interest, none=no_interests), record, key, passphrase_file, as_json=as_json)


@app.command(short_help="Put in force what was approved.")
def apply(
    decision: DecisionArgument,
    starts: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="In force from this moment on. Default: now.", show_default=False)
    ] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Put in force what was approved, from a moment on that is not past."""
    from overflight.decisions import acts

    moment = None if starts is None else read_instant(starts)
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: [acts.apply(actor, decision=acts.find_decision(logs, decision), starts=moment)],
    )
    report_entries(entries, as_json=as_json)


@app.command(short_help="Ask for the policy before the one in force.")
def revert(
    decision: DecisionArgument,
    on_behalf_of: BehalfOption,
    channel: ChannelOption,
    reason: ReasonOption,
    party: PartyOption = None,
    evidence: EvidenceOption = None,
    interest: InterestsOption = None,
    no_interests: NoInterestsOption = False,  # noqa: FBT002
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Ask that the decision in force be taken back: a decision like any other, assessed, approved and applied."""
    from overflight.decisions import acts

    grounds = read_grounds(
        on_behalf_of=on_behalf_of,
        channel=channel,
        reason=reason,
        party=party,
        evidence=evidence,
        interests=read_interests(interest, none=no_interests),
    )
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, opened: [
            acts.request_revert(actor, logs, opened.store.document, decision=acts.find_decision(logs, decision), grounds=grounds)
        ],
    )
    report_entries(entries, as_json=as_json, extra={"decision": entries[0].id})


@app.command(short_help="Write a copy that stands alone.")
def backup(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.", show_default=False)],
    marking: Annotated[
        str | None,
        typer.Option("--marking", metavar="MARKING", help="Copy up to this marking. Default: all that you may see.", show_default=False),
    ] = None,
    record: RecordOption = DEFAULT_RECORD,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Verify the record and copy it into one SQLite file, up to a marking; the copy is a record of its own."""
    from overflight.cli._decision_shared import reading
    from overflight.decisions.copying import back_up
    from overflight.decisions.markings import find_marking, up_to
    from overflight.decisions.refusals import DecisionError

    with reading(record, key, passphrase_file) as opened:
        wanted = opened.clearance if marking is None else find_marking(marking)
        if wanted not in up_to(opened.clearance):
            msg = f"you are not cleared for what is {wanted}"
            raise DecisionError(msg)
        copied = back_up(opened.store, out, clearance=wanted)
    _tell_copied(copied, str(out), as_json=as_json)


@app.command(short_help="Make a record of a backup.")
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="File that backup wrote.", show_default=False)],
    record: RecordOption = DEFAULT_RECORD,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Verify a backup and copy it into a record that is not there yet: a SQLite file or a PostgreSQL database."""
    from overflight.decisions import copying

    name, copied = copying.restore(str(source), record)
    _tell_copied(copied, name, as_json=as_json)


def _vote(
    verb: "EntryKind",
    decision: str,
    role: str | None,
    reason: str,
    interests: "tuple[Interest, ...]",
    record: str,
    key: Path | None,
    passphrase_file: Path | None,
    *,
    as_json: bool,
) -> None:
    from overflight.decisions import acts

    chosen = _read_role(role)
    entries = act(
        record,
        key,
        passphrase_file,
        lambda actor, logs, _: [
            acts.vote(actor, logs, verb, decision=acts.find_decision(logs, decision), role=chosen, reason=reason, interests=interests)
        ],
    )
    report_entries(entries, as_json=as_json)


def _read_role(text: str | None) -> "Role | None":
    from overflight.decisions.refusals import DecisionError
    from overflight.decisions.rules import ROLES

    if text is None:
        return None
    for role in ROLES:
        if role == text:
            return role
    msg = f"role '{text}': unknown; there are {', '.join(ROLES)}"
    raise DecisionError(msg)


def _make_log_keys(folder: Path, origin: str) -> "tuple[dict[Marking, str], list[Path]]":
    """Make a key for each log; the public halves by marking, and the files made."""
    from overflight.decisions.keys import make_key, public_path
    from overflight.decisions.markings import MARKINGS

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys: dict[Marking, str] = {}
    made: list[Path] = []
    for marking in MARKINGS:
        path = folder / f"{marking}.key"
        keys[marking] = str(make_key(path, f"{origin}/{marking}"))
        made += [path, public_path(path)]
    return keys, made


def _tell_copied(copied: "dict[Marking, int]", where: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"written": where, "entries": {str(marking): count for marking, count in copied.items()}})
        return
    counts = ", ".join(f"{count} {marking}" for marking, count in copied.items())
    print(f"wrote {where}: entries {counts}")


app.add_typer(person_app, name="person")
app.add_typer(key_app, name="key")
app.command(name="in-force", short_help="Say which policy is in force, or was.")(_decision_reports.in_force)
app.command(name="log", short_help="List decisions, or tell one.")(_decision_reports.log)
app.command(name="checkpoint", short_help="Sign the head of a log, or show it.")(_decision_reports.checkpoint)
app.command(name="verify", short_help="Verify a record, an entry or a checkpoint.")(_decision_reports.verify)
