"""The compiled kernel, loaded: `kernel.c` beside this file, built when the package is (see `hatch_build.py`)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from antiphon.model.native import load


@lru_cache(maxsize=1)
def library() -> Any:
    """The loaded library; raises NotBuilt."""
    signatures = {
        "release": "vppn",
        "refresh_recheck": "vppn",
        "absorb": "npppppppnppnnn",
        "judge_due": "npppppnnnn",
        "live": "npppppppnpppppnn",
        "pass_time": "nppppppnnnn",
        "settle_all": "ipppppn",
        "verdict_of": "ippppnnnp",
        "put_ring": "ippnnppn",
        "merge_rings": "ipppnnn",
        "set_judgement": "ippnnnn",
        "forget_judgements": "vpppnn",
        "drop_unknown": "vpppnpn",
        "set_inputs": "ipppnpn",
        "put_blocks": "ipppnpp",
        "copy_blocks": "vpppnpp",
        "unpack": "npnp",
    }
    return load(Path(__file__).with_name("_kernel.so"), signatures)
