"""The demo's organizations: people with roles, time zones and habits, and their API keys.

All of it is fixed and independent of any seed, so that ids can be linked to. Addresses and
domains come from the ranges reserved for documentation and benchmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID, uuid5

from audit_core.simulator import actors
from audit_core.simulator.actors import Actor, Client

_NAMESPACE = UUID("6d1f4a52-8c1e-4f0b-9a57-2f6d0a4be3c1")

HOURS_OF_WEEK = 168
"""Hour 0 is Monday 00:00 to 01:00 UTC."""


def stable_id(*parts: str) -> str:
    """The id that always belongs to this thing of the demo."""
    return str(uuid5(_NAMESPACE, "/".join(parts)))


class Purpose(StrEnum):
    """What an API key is used for."""

    BUILD = "build"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member. `activity` has one weight from 0 to 1 for each hour of the week in UTC."""

    id: str
    name: str
    email: str
    role: str
    utc_offset_h: int
    """Hours ahead of UTC. Summer time is left out."""
    office: tuple[Actor, ...]
    """How this person appears during office hours: one for each client used."""
    home_address: str
    activity: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that works by itself. `earlier` is how it appeared before its client's upgrade."""

    name: str
    purpose: Purpose
    actor: Actor
    earlier: Actor
    activity: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One tenant of the demo. `share` is its part of all entries; the shares sum to 1."""

    id: str
    name: str
    slug: str
    share: float
    people: tuple[Person, ...]
    keys: tuple[ApiKey, ...]
    regions: tuple[str, ...]
    snapshots: tuple[str, ...]
    cpu_limit: int
    activity: tuple[float, ...] = field(default=())
    """One weight for each hour of the week in UTC; their mean is 1."""

    def person(self, name: str) -> Person:
        """The person with this name. Raises `KeyError` if there is none."""
        for person in self.people:
            if person.name == name:
                return person
        raise KeyError(name)

    def key(self, name: str) -> ApiKey:
        """The API key with this name. Raises `KeyError` if there is none."""
        for key in self.keys:
            if key.name == name:
                return key
        raise KeyError(name)


def _office_activity(utc_offset_h: int, night_owl: bool) -> tuple[float, ...]:
    weights = []
    for hour in range(HOURS_OF_WEEK):
        local = (hour + utc_offset_h) % HOURS_OF_WEEK
        day, clock = divmod(local, 24)
        if 9 <= clock < 12 or 13 <= clock < 18:
            weight = 1.0
        elif clock in (8, 12, 18):
            weight = 0.5
        elif 19 <= clock < 23:
            weight = 0.5 if night_owl else 0.06
        else:
            weight = 0.25 if night_owl and clock < 3 else 0.008
        weights.append(weight * (0.06 if day >= 5 else 1.0))
    return tuple(weights)


def _build_activity(utc_offset_h: int) -> tuple[float, ...]:
    nightly = 2
    office = _office_activity(utc_offset_h, night_owl=False)
    return tuple(
        max(weight * 1.2, 0.9 if hour % 24 == nightly else 0.02)
        for hour, weight in enumerate(office)
    )


_ROUND_THE_CLOCK = (0.55,) * HOURS_OF_WEEK

_CLIENTS_OF_HABIT: dict[str, tuple[Client, ...]] = {
    "dashboard": (),
    "python": (actors.PYTHON,),
    "async": (actors.PYTHON_ASYNC, actors.PYTHON),
    "typescript": (actors.TYPESCRIPT,),
    "go": (actors.GO, actors.COMMAND_LINE),
    "java": (actors.JAVA,),
    "ruby": (actors.RUBY,),
    "cli": (actors.COMMAND_LINE, actors.COMMAND_LINE),
    "assistant": (actors.ASSISTANT, actors.PYTHON),
    "raw": (actors.BARE, actors.NAMELESS),
}


def _key_ends(*parts: str) -> tuple[str, str]:
    digits = stable_id("key", *parts).replace("-", "")
    return f"dtn_{digits[:2]}", digits[-3:]


def _person(slug: str, number: int, row: tuple[str, str, str, int, bool]) -> Person:
    name, role, habit, utc_offset_h, night_owl = row
    login = name.lower().replace(" ", ".").replace("é", "e").replace("ł", "l").replace("ø", "o")
    email = f"{login}@{slug}.example"
    dashboard = actors.DASHBOARDS[number % len(actors.DASHBOARDS)]
    network = sum(ord(letter) for letter in slug) % 200
    person_id = stable_id(slug, "person", name)
    by_hand = Actor(id=person_id, email=email, ip_address=f"198.18.{network}.{10 + number}").using(
        dashboard
    )
    prefix, suffix = _key_ends(slug, name)
    by_key = Actor(
        id=person_id,
        email=email,
        key_prefix=prefix,
        key_suffix=suffix,
        ip_address=by_hand.ip_address,
    )
    home = f"198.19.{network}.{10 + number}" if number % 4 else f"2001:db8:{network:x}::{number:x}"
    return Person(
        id=person_id,
        name=name,
        email=email,
        role=role,
        utc_offset_h=utc_offset_h,
        office=(by_hand, *(by_key.using(client) for client in _CLIENTS_OF_HABIT[habit])),
        home_address=home,
        activity=_office_activity(utc_offset_h, night_owl),
    )


def _key(
    slug: str, owner: Person, name: str, purpose: Purpose, client: Client, earlier: Client
) -> ApiKey:
    prefix, suffix = _key_ends(slug, "key", name)
    host = int(suffix, 16) % 200 + 20
    actor = Actor(
        id=owner.id,
        email=owner.email,
        key_prefix=prefix,
        key_suffix=suffix,
        ip_address=f"198.18.240.{host}",
    )
    activity = _ROUND_THE_CLOCK if purpose is Purpose.AGENT else _build_activity(owner.utc_offset_h)
    return ApiKey(
        name=name,
        purpose=purpose,
        actor=actor.using(client),
        earlier=actor.using(earlier),
        activity=activity,
    )


def _mean_one(organization_people: tuple[Person, ...], keys: tuple[ApiKey, ...]) -> list[float]:
    sums = [
        sum(person.activity[hour] for person in organization_people)
        + sum(key.activity[hour] for key in keys) * 1.5
        for hour in range(HOURS_OF_WEEK)
    ]
    mean = sum(sums) / HOURS_OF_WEEK
    return [value / mean for value in sums]


_Row = tuple[str, str, str, int, bool]
_KeyRow = tuple[str, str, Purpose, Client, Client]


def _organization(
    name: str,
    slug: str,
    share: float,
    rows: tuple[_Row, ...],
    key_rows: tuple[_KeyRow, ...],
    regions: tuple[str, ...],
    snapshots: tuple[str, ...],
    cpu_limit: int,
) -> Organization:
    people = tuple(_person(slug, number, row) for number, row in enumerate(rows))
    by_name = {person.name: person for person in people}
    keys = tuple(
        _key(slug, by_name[owner], key_name, purpose, client, earlier)
        for owner, key_name, purpose, client, earlier in key_rows
    )
    return Organization(
        id=stable_id(slug),
        name=name,
        slug=slug,
        share=share,
        people=people,
        keys=keys,
        regions=regions,
        snapshots=snapshots,
        cpu_limit=cpu_limit,
        activity=tuple(_mean_one(people, keys)),
    )


MERIDIAN = _organization(
    "Meridian Robotics",
    "meridian",
    0.60,
    (
        ("Ada Lindqvist", "owner", "dashboard", 1, False),
        ("Tomás Ferreira", "admin", "cli", 0, False),
        ("Priya Raman", "admin", "python", 5, False),
        ("Jonas Weber", "member", "python", 1, False),
        ("Mei Tanaka", "member", "typescript", 9, False),
        ("Samuel Okafor", "member", "async", 1, True),
        ("Chloé Martin", "member", "assistant", 1, False),
        ("Ivan Petrov", "member", "go", 2, True),
        ("Hannah Cole", "member", "python", -5, False),
        ("Diego Morales", "member", "typescript", -6, False),
        ("Grace Kim", "member", "python", -8, False),
        ("Viktor Nowak", "member", "cli", 1, False),
        ("Leila Haddad", "member", "assistant", 3, False),
        ("Owen Price", "member", "java", 0, False),
        ("Nora Bjørnsen", "member", "async", 1, False),
        ("Rahul Mehta", "member", "python", 5, True),
        ("Sofia Ricci", "member", "ruby", 1, False),
        ("Ben Adler", "member", "typescript", -5, False),
        ("Yuki Sato", "member", "raw", 9, False),
        ("Marta Wiśniewska", "member", "python", 1, False),
        ("Lucas Silva", "member", "python", -3, True),
        ("Emily Zhang", "member", "go", -8, False),
        ("Fatima Noor", "auditor", "dashboard", 4, False),
        ("Peter Novák", "member", "cli", 1, False),
        ("Anna Kowalska", "member", "typescript", 1, False),
    ),
    (
        ("Tomás Ferreira", "ci-pipeline", Purpose.BUILD, actors.GO, actors.GO),
        ("Priya Raman", "nightly-evals", Purpose.BUILD, actors.PYTHON, actors.OLD_PYTHON),
        ("Tomás Ferreira", "release-bot", Purpose.BUILD, actors.TYPESCRIPT, actors.TYPESCRIPT),
        ("Samuel Okafor", "support-agent", Purpose.AGENT, actors.PYTHON_ASYNC, actors.PYTHON_ASYNC),
        ("Grace Kim", "research-agent", Purpose.AGENT, actors.PYTHON, actors.PYTHON),
        ("Leila Haddad", "code-review-agent", Purpose.AGENT, actors.ASSISTANT, actors.ASSISTANT),
    ),
    ("eu-1", "eu-2", "us-1"),
    (
        "meridian/base:4.2",
        "meridian/node-20:1.9",
        "meridian/ml-train:2.1",
        "meridian/ros-desktop:0.8",
        "ubuntu-24.04",
        "meridian/evals:7",
    ),
    400,
)

LUMEN = _organization(
    "Lumen Notebooks",
    "lumen",
    0.27,
    (
        ("Élise Laurent", "owner", "dashboard", 1, False),
        ("Karl Schmidt", "admin", "cli", 1, False),
        ("Bianca Russo", "member", "python", 1, False),
        ("Tim de Vries", "member", "typescript", 1, True),
        ("Zofia Lis", "member", "async", 1, False),
        ("Hugo Blanc", "member", "assistant", 1, False),
        ("Marek Dvořák", "member", "python", 1, False),
        ("Ines Costa", "auditor", "dashboard", 0, False),
    ),
    (
        ("Karl Schmidt", "notebook-kernels", Purpose.AGENT, actors.PYTHON, actors.PYTHON),
        ("Karl Schmidt", "preview-builds", Purpose.BUILD, actors.TYPESCRIPT, actors.TYPESCRIPT),
    ),
    ("eu-1", "eu-2"),
    ("lumen/kernel:3.12", "lumen/kernel-gpu:1.4", "ubuntu-24.04"),
    40,
)

KESTREL = _organization(
    "Kestrel Labs",
    "kestrel",
    0.13,
    (
        ("Rosa Delgado", "owner", "dashboard", -8, False),
        ("Noah Brooks", "admin", "go", -8, True),
        ("Ava Nguyen", "member", "python", -8, False),
        ("Liam Walsh", "member", "cli", -5, False),
        ("Kofi Mensah", "member", "typescript", 0, False),
    ),
    (
        ("Noah Brooks", "triage-agent", Purpose.AGENT, actors.TYPESCRIPT, actors.TYPESCRIPT),
        ("Ava Nguyen", "smoke-tests", Purpose.BUILD, actors.PYTHON, actors.PYTHON),
    ),
    ("us-1",),
    ("kestrel/sandbox:11", "ubuntu-24.04"),
    64,
)

ORGANIZATIONS: tuple[Organization, ...] = (MERIDIAN, LUMEN, KESTREL)

DEMO_ORGANIZATIONS: tuple[tuple[str, str], ...] = tuple(
    (organization.id, organization.name) for organization in ORGANIZATIONS
)
"""(organization id, name), the largest first."""
