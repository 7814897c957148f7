"""Computed traits: written, tried out, kept on profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import Conflict, InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules.computed import FIRST_KEY
from antiphon.store import fills
from antiphon.store.computed_traits import (
    ComputedTrait,
    create_computed_trait,
    get_computed_trait,
    list_computed_traits,
    refused_counter,
    refused_counts,
    remove_computed_trait,
    save_computed_trait,
)
from antiphon.store.engine import Connection
from antiphon.web.api.people import Person, called_by_id
from antiphon.web.api.writing import Description, Stopwatch, faces_of
from antiphon.web.context import Context, RuleFaces, WebContext

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, msgspec.Meta(max_length=5_000)]

NEVER_COMPUTED = ("email", "id")
"""Traits that say who somebody is, and where mail goes."""


class ComputedTraitOut(msgspec.Struct, kw_only=True):
    """A computed trait; `filled` says whether everybody has this version's value.

    If not, `error` may say in plain words why the past cannot be read; that begins anew at `retry_at` (ms). `refused` counts
    the calls that tried to set it.
    """

    id: int
    name: str
    subject_kind: SubjectKind
    description: str
    text: str
    formula: dict[str, Any]
    sentence: str
    version: int
    revision: int
    filled: bool
    error: str | None
    retry_at: int | None
    refused: int
    created_at: int
    updated_at: int


class ComputedTraitList(msgspec.Struct, kw_only=True):
    """Computed traits by name."""

    items: list[ComputedTraitOut]


class FormulaSource(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A formula as `text` or as `formula` (one of the two)."""

    subject_kind: SubjectKind = "user"
    text: Text | None = None
    formula: dict[str, Any] | None = None


class ComputedTraitCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new computed trait, its formula as `text` or as `formula` (one of the two); its name never changes."""

    name: Name
    description: Description = ""
    subject_kind: SubjectKind = "user"
    text: Text | None = None
    formula: dict[str, Any] | None = None


class ComputedTraitUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A changed computed trait; `revision` is the one that was read, a newer one answers 409."""

    revision: int
    description: Description = ""
    text: Text | None = None
    formula: dict[str, Any] | None = None


class ParsedFormula(msgspec.Struct, kw_only=True):
    """The faces of one formula."""

    text: str
    formula: dict[str, Any]
    sentence: str


class FrequentValue(msgspec.Struct, kw_only=True):
    """A value that several have."""

    value: Any
    count: int


class SampleValue(Person, kw_only=True):
    """Somebody and their value."""

    value: Any


class FormulaPreview(msgspec.Struct, kw_only=True):
    """The values now: `known` of `of` subjects have one, as of `as_of` (ms).

    Of numbers and dates there are the smallest, the median and the largest; of other values the most frequent.
    """

    gives: Literal["number", "date", "text", "value"]
    of: int
    known: int
    least: float | str | None
    median: float | str | None
    most: float | str | None
    frequent: list[FrequentValue]
    sample: list[SampleValue]
    took_ms: float
    as_of: int


class ComputedTraitController(Controller):
    """Computed traits."""

    path = "/api/computed-traits"
    tags = ("Computed traits",)

    @get(access="view", sync_to_thread=True)
    def list_computed_traits(self, context: Context) -> ComputedTraitList:
        """All computed traits by name."""
        with context.store.state.read() as conn:
            traits, refused = list_computed_traits(conn), refused_counts(conn)
            filling = fills.of(conn, [FIRST_KEY + trait.id for trait in traits])
        return ComputedTraitList(items=[_out(context, trait, refused, filling) for trait in traits])

    @post(access="edit", sync_to_thread=True)
    def create_computed_trait(self, context: Context, data: JSONBody[ComputedTraitCreate]) -> ComputedTraitOut:
        """Create a computed trait; everybody gets its value, quietly, and keeps it up to date."""
        if data.name.lower() in NEVER_COMPUTED:
            raise InvalidInput(f"{data.name!r} cannot be computed; choose another name.", field="name")
        faces = _faces(context, data.text, data.formula, data.subject_kind)
        with context.store.state.write() as conn:
            context.computed.check_trait(conn, data.name, data.subject_kind, faces.tree)
            trait = create_computed_trait(
                conn,
                subject_kind=data.subject_kind,
                name=data.name,
                description=data.description,
                text=faces.text,
                formula=faces.tree,
                now=context.clock(),
            )
        context.wake.notify("rules")
        return _out(context, trait, {}, {})

    @post("/parse", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def parse_formula(self, context: Context, data: JSONBody[FormulaSource]) -> ParsedFormula:
        """Text to JSON, or JSON to text; an error (400 `rule_syntax`) names the position and what was expected."""
        faces = _faces(context, data.text, data.formula, data.subject_kind)
        return ParsedFormula(text=faces.text, formula=faces.tree, sentence=faces.sentence)

    @post("/preview", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def preview_formula(self, context: Context, data: JSONBody[FormulaSource]) -> FormulaPreview:
        """The values that people would have now, over history: how they are spread, and a few of them."""
        faces = _faces(context, data.text, data.formula, data.subject_kind)
        watch = Stopwatch()
        found = context.computed.preview(faces.tree, data.subject_kind)
        with context.store.state.read() as conn:
            people = called_by_id(conn, data.subject_kind, [subject.id for subject in found.sample])
        sample = [SampleValue(**people[subject.id], value=subject.value) for subject in found.sample]
        return FormulaPreview(
            gives=found.gives,
            of=found.of,
            known=found.known,
            least=found.least,
            median=found.median,
            most=found.most,
            frequent=[FrequentValue(value=common.value, count=common.count) for common in found.common],
            sample=sample,
            took_ms=watch.ms(),
            as_of=found.as_of,
        )

    @get("/{trait_id:int}", access="view", sync_to_thread=True)
    def get_computed_trait(self, context: Context, trait_id: FromPath[int]) -> ComputedTraitOut:
        """One computed trait."""
        with context.store.state.read() as conn:
            return _counted(context, conn, get_computed_trait(conn, trait_id))

    @put("/{trait_id:int}", access="edit", sync_to_thread=True)
    def update_computed_trait(
        self, context: Context, trait_id: FromPath[int], data: JSONBody[ComputedTraitUpdate]
    ) -> ComputedTraitOut:
        """Save a computed trait; a changed formula starts a new version, whose values everybody gets quietly."""
        with context.store.state.read() as conn:
            stored = get_computed_trait(conn, trait_id)
        faces = _faces(context, data.text, data.formula, stored.subject_kind)
        with context.store.state.write() as conn:
            context.computed.check_trait(conn, stored.name, stored.subject_kind, faces.tree)
            trait = save_computed_trait(
                conn,
                trait_id,
                revision=data.revision,
                description=data.description,
                text=faces.text,
                formula=faces.tree,
                now=context.clock(),
            )
            saved = _counted(context, conn, trait)
        context.wake.notify("rules")
        return saved

    @delete("/{trait_id:int}", access="edit", sync_to_thread=True)
    def delete_computed_trait(self, context: Context, trait_id: FromPath[int]) -> None:
        """Delete a computed trait that nothing reads; it is taken off every profile."""
        with context.store.state.write() as conn:
            trait = get_computed_trait(conn, trait_id)
            readers = context.computed.readers(conn, trait.name, trait.subject_kind)
            if readers:
                names = ", ".join(readers)
                raise Conflict(f"“{trait.name}” is read by {names}. Change or switch that off first.", readers=readers)
            remove_computed_trait(conn, trait_id, context.clock())
        context.wake.notify("rules")


def _faces(context: WebContext, text: str | None, formula: dict[str, Any] | None, kind: SubjectKind) -> RuleFaces:
    return faces_of(
        text, formula, kind, parse=context.computed.parse, read=context.computed.from_json, names=("formula", "formula")
    )


def _counted(context: WebContext, conn: Connection, trait: ComputedTrait) -> ComputedTraitOut:
    return _out(context, trait, refused_counts(conn), fills.of(conn, [FIRST_KEY + trait.id]))


def _out(
    context: WebContext, trait: ComputedTrait, refused: dict[str, int], filling: Mapping[int, fills.Fill]
) -> ComputedTraitOut:
    filled = trait.filled_version == trait.version
    way = None if filled else filling.get(FIRST_KEY + trait.id)
    return ComputedTraitOut(
        id=trait.id,
        name=trait.name,
        subject_kind=trait.subject_kind,
        description=trait.description,
        text=trait.text,
        formula=trait.formula,
        sentence=context.computed.from_json(trait.formula, trait.subject_kind).sentence,
        version=trait.version,
        revision=trait.revision,
        filled=filled,
        error=None if way is None else way.error,
        retry_at=None if way is None else way.retry_at,
        refused=refused.get(refused_counter(trait.subject_kind, trait.name), 0),
        created_at=trait.created_at,
        updated_at=trait.updated_at,
    )
