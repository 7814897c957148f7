"""Loaded by Python at start when this folder is on PYTHONPATH: plants crash points and peer bugs. For tests only.

`ANTIPHON_FAULT_POINTS` names a folder: a file `<point>.before` or `<point>.after` in it makes the process that next
comes by this point consume the file and kill itself. `ANTIPHON_PEER_BUG` names one of `BUGS`.

The product knows nothing of this: functions are wrapped when their module has been loaded, before anyone imports
them from it.
"""

# ruff: noqa: PTH108, PTH118 - loaded at every start of Python: only what Python has loaded by then anyway

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import os
import signal
import sys
import time

POINTS = {
    "log_append": "antiphon.store.log:append_packed",
    "log_commit": "antiphon.store.log_writer:LogWriter._commit",
    "evaluate_tick": "antiphon.evaluate.stage:Evaluator.tick",
    "save_states": "antiphon.store.states:save",
    "save_changed_states": "antiphon.store.states:save_changed",
    "drop_changed_states": "antiphon.store.states:drop_changed",
    "save_profiles": "antiphon.store.subjects:save_profiles",
    "save_memberships": "antiphon.store.subjects:save_memberships",
    "add_signals": "antiphon.store.signals:add_signals",
    "emit": "antiphon.store.signals:emit",
    "set_cursor": "antiphon.store.signals:set_cursor",
    "record_duplicates": "antiphon.store.log_duplicates:record",
    "act_tick": "antiphon.act.stage:Actor.tick",
    "enroll": "antiphon.store.workflow_runs:enroll",
    "record_steps": "antiphon.store.workflow_runs:record_steps",
    "put_in_outbox": "antiphon.store.workflow_runs:put_in_outbox",
    "save_enrollments": "antiphon.store.workflow_runs:save_enrollments",
    "relay_tick": "antiphon.ingest.relay:Relay.tick",
    "drop_emissions": "antiphon.store.signals:drop_emissions",
    "claim": "antiphon.store.outbox:claim",
    "enter_data": "antiphon.store.outbox:enter_data",
    "finish_sent": "antiphon.store.outbox:finish_sent",
    "shared_commit": "antiphon.store.committer:Committer._commit",
    "hand_over": "antiphon.channels.email.smtp:SmtpProvider.send",
    "entered_data": "antiphon.deliver.record:Recorder.enter_data",
    "record_result": "antiphon.deliver.record:Recorder.result",
    "history_tick": "antiphon.measure.history_writer:HistoryWriter.tick",
}


def _plant(module, attribute, wrap):
    """Replace `module:attribute` (a function, or a method as Class.method) by `wrap(original)`."""
    holder = module
    *path, name = attribute.split(".")
    for part in path:
        holder = getattr(holder, part)
    setattr(holder, name, wrap(getattr(holder, name)))


# -- crash points -------------------------------------------------------------------------------------------------


def _crash_point(folder, name):
    before, after = os.path.join(folder, name + ".before"), os.path.join(folder, name + ".after")

    def come_by(path):
        try:
            os.unlink(path)  # of several processes that come by, one dies
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def wrap(function):
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapped(*args, **named):
                come_by(before)
                result = await function(*args, **named)
                come_by(after)
                return result
        else:

            @functools.wraps(function)
            def wrapped(*args, **named):
                come_by(before)
                result = function(*args, **named)
                come_by(after)
                return result

        return wrapped

    return wrap


# -- peer bugs: what others got wrong, each of which the fault runs must find -------------------------------------


def _cursor_without_state(module):
    """The cursor is committed, the state that goes with it is only in memory."""
    for name in ("save", "save_contents", "save_changed"):
        _plant(module, name, lambda _save: lambda _conn, _states: None)


def _commit_after_send(module):
    """That a message is being handed over is not written down before it is."""

    def wrap(_enter_data):
        def enter_data(conn, messages, _now):
            return module.suppressions(conn, messages)

        return enter_data

    _plant(module, "enter_data", wrap)


def _resend_at_data(module):
    """After a crash, what may have left already is sent again."""

    def wrap(_recover):
        def recover(conn, now):
            table = module.t.messages
            halfway = table.c.status.in_(("claimed", "at_data"))
            found = conn.execute(module.update(table).where(halfway).values(status="queued", updated_at=now))
            return {"requeued": found.rowcount, "uncertain": 0}

        return recover

    _plant(module, "recover", wrap)


def _no_recovery(module):
    """After a crash, what was claimed is left to whoever claimed it."""
    _plant(module, "recover", lambda _recover: lambda _conn, _now: {"requeued": 0, "uncertain": 0})


def _acknowledge_before_commit(module):
    """A batch is answered with 2xx when it has been queued."""

    def slow(commit):
        def wrapped(self, entries, size):
            time.sleep(0.02)  # a disk that takes its time, so that a random kill hits the gap
            return commit(self, entries, size)

        return wrapped

    def wrap(_append):
        async def append(self, batches):
            if batches:
                self._put(batches, module.asyncio.get_running_loop().create_future())

        return append

    _plant(module, "LogWriter._commit", slow)
    _plant(module, "LogWriter.append", wrap)


def _restart_at_once(module):
    """Many crash points are visited one after another: the supervisor's patience is not what they are about."""
    module.RESTART_DELAYS_S = (0.0,)


BUGS = {
    "cursor_without_state": ("antiphon.store.states", _cursor_without_state),
    "commit_after_send": ("antiphon.store.outbox", _commit_after_send),
    "resend_at_data": ("antiphon.store.outbox", _resend_at_data),
    "no_recovery": ("antiphon.store.outbox", _no_recovery),
    "acknowledge_before_commit": ("antiphon.store.log_writer", _acknowledge_before_commit),
}


# -- planting when a module is loaded -----------------------------------------------------------------------------


class _Planter(importlib.abc.MetaPathFinder):
    def __init__(self, plans):
        self._plans = plans

    def find_spec(self, name, path, target=None):
        if name not in self._plans:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                for plan in self._plans[name]:
                    plan(module)

            spec.loader.exec_module = exec_module
        return spec


def _plans():
    plans = {}
    bug = os.environ.get("ANTIPHON_PEER_BUG")
    if bug:
        module, plan = BUGS[bug]
        plans.setdefault(module, []).append(plan)
    folder = os.environ.get("ANTIPHON_FAULT_POINTS")
    if folder:
        plans["antiphon.runtime.supervisor"] = [_restart_at_once]
        for name, where in POINTS.items():
            module, attribute = where.split(":")
            plans.setdefault(module, []).append(
                functools.partial(_plant, attribute=attribute, wrap=_crash_point(folder, name))
            )
    return plans


if __name__ == "sitecustomize":
    _found = _plans()
    if _found:
        sys.meta_path.insert(0, _Planter(_found))
