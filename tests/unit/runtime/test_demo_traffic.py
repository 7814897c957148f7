"""The button's side of the demo: one child, started and stopped."""

import sys
from pathlib import Path

from antiphon.runtime.demo import DemoTraffic

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")


def traffic(command):
    return DemoTraffic("http://127.0.0.1:1", Path("data"), clock=lambda: 1234, command=command)


async def test_start_and_stop():
    """Starting twice is starting once; stopping ends the child."""
    demo = traffic(SLEEPS)
    assert (await demo.state()).started_at is None
    assert (await demo.start()).started_at == 1234
    child = demo._child
    await demo.start()
    assert demo._child is child
    assert (await demo.stop()).started_at is None
    assert child.returncode is not None
    assert (await demo.stop()).started_at is None


async def test_a_child_that_ended_is_not_running():
    """When the demo ends by itself, the page learns it, and may start it again."""
    demo = traffic((sys.executable, "-c", ""))
    await demo.start()
    await demo._child.wait()
    state = await demo.state()
    assert (state.available, state.started_at) == (True, None)
