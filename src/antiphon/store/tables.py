"""Every table of the state database, in SQLAlchemy Core; times are ms since the epoch, UTC. The log's: `log_tables`.

The schema is created by the migrations in `migrations/`; a test holds the two equal.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from antiphon.store.dialect import Id, Json

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

# -- shared -----------------------------------------------------------------------------------------------------

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Json, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),  # evaluate:0, act, history:0
    Column("position", BigInteger, nullable=False),
)

emissions = Table(  # events of our own on their way into the log; the log's dedupe makes the relay exactly-once
    "emissions",
    metadata,
    Column("seq", Id, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

# -- evaluate ---------------------------------------------------------------------------------------------------

states = Table(  # of subjects, in buckets by a hash of their ids
    "states",
    metadata,
    Column(  # place in it; SQLite finds rows by an INTEGER themselves
        "lowest", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("content", LargeBinary, nullable=False),
    Column("recheck_at", BigInteger),
)
Index("ix_states_recheck_at", states.c.recheck_at, sqlite_where=states.c.recheck_at.is_not(None),
      postgresql_where=states.c.recheck_at.is_not(None))  # fmt: skip

changed_states = Table(  # of single subjects, until their bucket is written
    "changed_states",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

fills = Table(  # how far rules, and computed traits by their numbers, are that are being filled
    "fills",
    metadata,
    Column("rule_id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column(
        "since_offset", BigInteger, nullable=False
    ),  # of the log, when the rule was switched on; kept when it begins anew
    Column("since", BigInteger, nullable=False),  # and the instant
    Column("phase", Text, nullable=False),  # counting | judging
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("error", Text, nullable=True),  # why it stands still, in plain words
    Column("retry_at", BigInteger, nullable=True),  # when it begins anew then
)

metric_numbers = Table(  # by which the blocks of subjects' state know a metric
    "metric_numbers",
    metadata,
    Column("number", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # subject kind and metric key
    sqlite_autoincrement=True,
)

profiles = Table(
    "profiles",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("traits", Json, nullable=False),
    Column("search", Text, nullable=False, server_default=""),  # lower-cased id, name and email
    Column("company_id", Text),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Index("ix_profiles_kind_last_seen", "kind", "last_seen"),
    Index("ix_profiles_company_id", "company_id"),
)

identities = Table(  # an anonymous or former id that from now on means a user
    "identities",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("linked_at", BigInteger, nullable=False),
    Index("ix_identities_user_id", "user_id"),
)

dedupe_runs = Table(  # message keys seen, one blob of sorted 16-byte digests a batch; dropped after 7 days
    "dedupe_runs",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("first_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("end_offset", BigInteger, nullable=False),
    Column("newest_at", BigInteger, nullable=False),
    Column("digests", LargeBinary, nullable=False),
)

log_duplicates = Table(  # positions that history must leave out, only for reads that had any
    "log_duplicates",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("conflicting", Boolean, nullable=False),  # same id, other body
)

memberships = Table(
    "memberships",
    metadata,
    Column("rule_id", Integer, primary_key=True),
    Column("subject_kind", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("episode", Integer, nullable=False),
    Column("member", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Index("ix_memberships_rule_id_member_since", "rule_id", "member", "since"),
    Index("ix_memberships_subject", "subject_kind", "subject_id"),
)

signals = Table(
    "signals",
    metadata,
    Column("seq", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("rule_id", Integer),
    Column("watch", Text),
    Column("episode", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("caused_at", BigInteger),
    Column("event_id", Text),
    Column("event", Json),
    Column("quiet", Boolean, nullable=False),
    Index("ix_signals_rule_id_seq", "rule_id", "seq"),
    sqlite_autoincrement=True,
)

# -- what people make --------------------------------------------------------------------------------------------

rules = Table(
    "rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("subject_kind", Text, nullable=False),
    Column("status", Text, nullable=False),  # draft | active | archived
    Column("version", Integer, nullable=False),  # version in force; grows when the tree changes
    Column("revision", Integer, nullable=False),  # grows on every save; checked on save
    Column("text", Text, nullable=False),
    Column("tree", Json, nullable=False),
    Column("filled_version", Integer, nullable=False),  # version whose state evaluation has filled; 0 = none
    Column(
        "greets", Boolean, nullable=False, server_default=text("false")
    ),  # whether those who match when it is switched on are messaged
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

computed_traits = Table(
    "computed_traits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject_kind", Text, nullable=False),
    Column("name", Text, nullable=False),  # the trait's; never changes
    Column("description", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False),  # version in force; grows when the formula changes
    Column("revision", Integer, nullable=False),  # grows on every save; checked on save
    Column("text", Text, nullable=False),
    Column("formula", Json, nullable=False),
    Column("filled_version", Integer, nullable=False),  # version whose values everybody has; 0 = none
    Column("removed_at", BigInteger),  # deleted, and still to be taken off the profiles
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_computed_traits_subject_kind_name", "subject_kind", "name", unique=True),
    sqlite_autoincrement=True,
)

templates = Table(
    "templates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("topic", Text, nullable=False, server_default=""),
    Column("published_version", Integer),
    Column("revision", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("archived", Boolean, nullable=False),
)

template_versions = Table(
    "template_versions",
    metadata,
    Column("template_id", Integer, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content", Json, nullable=False),  # {subject, preview_text, language: mjml|html, body, text}
    Column("created_at", BigInteger, nullable=False),
)

workflows = Table(
    "workflows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),  # draft | active | paused | archived
    Column("published_version", Integer),
    Column("revision", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

workflow_versions = Table(
    "workflow_versions",
    metadata,
    Column("workflow_id", Integer, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", Json, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# -- act ---------------------------------------------------------------------------------------------------------

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workflow_id", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("trigger_key", Text, nullable=False),  # rule:episode or event id; one enrollment each
    Column("status", Text, nullable=False),  # active | completed | exited | failed
    Column("step_id", Text),  # the step to run next
    Column("visit", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("context", Json, nullable=False),
    Column("caused_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("reason", Text),
    UniqueConstraint("workflow_id", "user_id", "trigger_key"),
    sqlite_autoincrement=True,
)
Index("ix_enrollments_status_due_at", enrollments.c.status, enrollments.c.due_at)
Index("ix_enrollments_user_id", enrollments.c.user_id)

step_runs = Table(
    "step_runs",
    metadata,
    Column("enrollment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("step_id", Text, primary_key=True),
    Column("visit", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # done | skipped | failed
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
)

# -- deliver -----------------------------------------------------------------------------------------------------

messages = Table(  # the outbox and the record
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("lane", Text, nullable=False),  # behavioural | transactional
    Column("channel", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("recipient", Text),
    Column("template_id", Integer, nullable=False),
    Column("template_version", Integer),
    Column("workflow_id", Integer),
    Column("enrollment_id", BigInteger),
    Column("step_id", Text),
    Column("rule_id", Integer),
    Column("variables", Json, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("provider", Text),
    Column("message_id", Text),  # the Message-ID header without <>
    Column("subject", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("caused_at", BigInteger),  # receipt of the call that led to it; None when a timer did
    Column("sent_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_messages_user_id_created_at", "user_id", "created_at"),
    Index("ix_messages_created_at", "created_at"),
    Index("ix_messages_status_due_at", "status", "due_at"),
    sqlite_autoincrement=True,
)
inbox = Table(  # what was "sent" with no mail account: the real MIME
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", BigInteger, unique=True),  # messages.id; None for test sends
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address", Text, primary_key=True),  # lower-cased
    Column("topic", Text, primary_key=True),  # '' = everything
    Column("reason", Text, nullable=False),  # unsubscribed | bounced | complained | manual
    Column("message_id", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

# -- access ------------------------------------------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

tokens = Table(  # sessions, sign-in links, API tokens, write and server keys: only their SHA-256 is kept
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # session | link | admin | write | server
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),  # shown in lists, enough to recognise it by
    Column("name", Text, nullable=False),
    Column("account_id", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

counters = Table(  # small durable counts: dropped by reason, duplicates, conflicts
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Float, nullable=False),
)
