"""The sandbox: a child process that turns render requests into emails, and can do nothing else.

It starts with an environment that holds no secrets, takes away its own right to open files or sockets, to fork and to
use more memory, and dies with its parent. Frames on file descriptor 0: four bytes of length (big-endian), then
msgpack; an empty frame says that it is ready. Answers come in the order of the requests.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
from typing import NoReturn

import msgspec

from antiphon.model.template import TemplateLanguage
from antiphon.templates.compiled import EmailCache
from antiphon.templates.content import HEAD, RenderError, RenderRequest, RenderResult, TemplateContent

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_READ = 256 * 1024


class OutOfTimeError(BaseException):
    """A render used up its CPU time; no handler in a library may swallow it."""


def main() -> NoReturn:
    """Serve until the parent closes its end."""
    _die_with_parent()
    cache = EmailCache()
    _warm_up(cache)
    _confine()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGPROF, _out_of_time)
    _serve(cache)
    sys.exit(0)


def _serve(cache: EmailCache) -> None:
    decoder = msgspec.msgpack.Decoder(RenderRequest)
    encoder = msgspec.msgpack.Encoder()
    received = bytearray()
    _write(b"")
    while True:
        while len(received) < HEAD or len(received) < HEAD + int.from_bytes(received[:HEAD], "big"):
            chunk = os.read(0, _READ)
            if not chunk:
                return
            received += chunk
        end = HEAD + int.from_bytes(received[:HEAD], "big")
        _write(encoder.encode(_answer(cache, decoder, bytes(received[HEAD:end]))))
        del received[:end]


def _answer(cache: EmailCache, decoder: msgspec.msgpack.Decoder[RenderRequest], frame: bytes) -> RenderResult:
    try:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, CPU_SECONDS / 10)
        try:
            return cache.render(decoder.decode(frame))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except OutOfTimeError:
        return RenderError(message=f"Rendering took more than {CPU_SECONDS:g} s of CPU.", where="limits")
    except MemoryError:
        pass
    except msgspec.ValidationError as error:
        return RenderError(message=str(error), where="limits")
    except Exception as error:  # noqa: BLE001 - whatever a library trips over is the template's error, not ours
        return RenderError(message=f"This template cannot be rendered ({type(error).__name__}).", where="body")
    cache.clear()
    gc.collect()
    return RenderError(message=f"Rendering needed more than {MEMORY_BYTES >> 20} MB.", where="limits")


def _out_of_time(_signal: int, _frame: object) -> None:
    raise OutOfTimeError


def _write(payload: bytes) -> None:
    rest = memoryview(len(payload).to_bytes(HEAD, "big") + payload)
    while rest:
        rest = rest[os.write(0, rest) :]


def _warm_up(cache: EmailCache) -> None:
    """Import and open whatever rendering imports or opens lazily, while that is still allowed."""
    body = '<mjml><mj-body><mj-section><mj-column><mj-text>{{ "now" | date: "%B" }}</mj-text></mj-column></mj-section></mj-body></mjml>'
    sources: dict[TemplateLanguage, str] = {"mjml": body, "html": "<style>p{color:red}</style><p>{{ x }}</p>"}
    for language, source in sources.items():
        content = TemplateContent(subject="{{ x | upcase }}", preview_text="x", language=language, body=source)
        cache.render(RenderRequest(content=content, context={"x": "é"}, now=0))
    cache.clear()


def _confine() -> None:
    """Give up what rendering does not need."""
    mapped = int(_read_text("/proc/self/statm").split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, mapped + MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))
    gc.freeze()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _read_text(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - pathlib is not worth its import here
        return file.read()


if __name__ == "__main__":
    main()
