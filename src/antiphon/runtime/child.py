"""Being a child of `antiphon serve`: end with the parent, tell it when ready."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

READY_FD = "ANTIPHON_READY_FD"
SOCKET_FD = "ANTIPHON_SOCKET_FD"
PARENT_PID = "ANTIPHON_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies, however it dies (Linux; elsewhere Ctrl-C reaches us anyway)."""
    parent = os.environ.get(PARENT_PID)
    if parent is None or not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the call above
        sys.exit(1)


def tell_ready() -> None:
    """Let the parent know that requests are served, or work is done, from now on."""
    fd = os.environ.pop(READY_FD, None)
    if fd is not None:
        with contextlib.suppress(OSError):
            os.write(int(fd), b"1")
            os.close(int(fd))
