"""Blocks in few bytes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.rules.kernel.blocks import Ints, Memory, unpacked

WORDS = st.one_of(
    st.just(0),
    st.integers(0, 255),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([-1, -(2**63), 2**63 - 1, 1 << 56, 1_795_773_605_928]),
)


def held(memory: Memory, slot: int) -> Ints:
    """A slot's block as it lies in memory."""
    offset = int(memory.columns.offset[slot])
    return memory.words[offset : offset + int(memory.words[offset + 2])]


@given(st.lists(st.lists(st.one_of(WORDS, st.lists(st.just(0), max_size=600)), max_size=20), min_size=1, max_size=5))
def test_blocks_come_back_as_they_were(drawn: list[list[int | list[int]]]) -> None:
    """Whatever words blocks hold, long runs of 0 among them; what is stored can be read with and without a memory."""
    memory = Memory(1 << 17)
    slots = np.arange(len(drawn))
    for slot, words in zip(slots.tolist(), drawn, strict=True):
        flat = [word for one in words for word in (one if isinstance(one, list) else [one])]
        memory.columns.offset[slot] = top = 16384 * slot
        memory.words[top : top + 3 + len(flat)] = [0, 0, 3 + len(flat), *flat]
    data, starts = memory.packed(slots)
    other = Memory(1 << 17)
    other.put_packed(slots, data, starts)
    for slot, (start, end) in enumerate(pairwise(starts.tolist())):
        assert held(other, slot).tolist() == held(memory, slot).tolist() == unpacked(data[start:end]).tolist()


def test_a_block_of_small_numbers_takes_few_bytes() -> None:
    """A word takes a byte and one for each byte that is not 0; words of 0 next to each other take two."""
    memory = Memory(1 << 10)
    memory.columns.offset[0] = 0
    memory.words[:40] = [0, 0, 40, *[0] * 30, 1, 256, 257, -1, 0, 0, 0]
    data, starts = memory.packed(np.array([0, 1]))
    assert starts.tolist() == [0, len(data), len(data)]
    assert len(data) == 2 + 2 + 2 + 2 + 2 + 3 + 9 + 2


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\x03\x01", b"\x00", b"\x01\x01\x01\x01", (9).to_bytes(8, "little") * 9]
)
def test_what_is_no_block_is_refused(data: bytes) -> None:
    """Bytes cut short, and what another version wrote."""
    with pytest.raises(ValueError, match="no block"):
        unpacked(data)
    if data:  # no bytes at all are no block at all
        with pytest.raises(ValueError, match="no block"):
            Memory(1 << 10).put_packed(np.array([0]), data, np.array([0, len(data)]))
