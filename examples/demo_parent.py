"""Ending with the program that started us, however that one ends."""

from __future__ import annotations

import os
import signal
import sys
import threading


def end_with_stdin() -> None:
    """Interrupt this process, as Ctrl-C would, when its standard input closes."""

    def watch() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
