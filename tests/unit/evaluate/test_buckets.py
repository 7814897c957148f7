"""Places, the buckets that they are in, and contents of them."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import InvalidInput
from antiphon.evaluate.buckets import UNKNOWN, Buckets
from antiphon.evaluate.record import EMPTY, NUMBERS, POSITION, Content, decode, encode, joined, names_of
from antiphon.model.subject import SubjectKey
from antiphon.store.states import PLACES, place_of


@given(st.lists(st.integers(0, PLACES - 1), max_size=60), st.lists(st.integers(0, PLACES - 1), max_size=20))
def test_every_place_is_in_one_bucket_however_they_were_cut(cuts: list[int], places: list[int]) -> None:
    """Buckets follow each other from 0 to the end, and those that are read again are the same."""
    buckets = Buckets()
    for place in cuts:
        bucket = buckets.at(place)
        if bucket.width > 1:
            upper = buckets.split(bucket)
            assert bucket.end == upper.lowest
    found = list(buckets)
    assert len(found) == buckets.count
    assert [bucket.lowest for bucket in found] == [0, *(bucket.end for bucket in found[:-1])]
    assert found[-1].end == PLACES
    again = Buckets([bucket.lowest for bucket in found])
    for place in [*places, *cuts]:
        one = buckets.at(place)
        assert one.lowest <= place < one.end
        assert (again.at(place).lowest, again.at(place).width, again.at(place).away) == (one.lowest, one.width, UNKNOWN)


def test_a_stretch_takes_up_where_the_one_before_ended() -> None:
    """Whatever size they have, stretches together are all buckets."""
    buckets, dice = Buckets(), random.Random(1)
    for _ in range(40):
        buckets.split(buckets.at(dice.randrange(PLACES)))
    for bucket in buckets:
        bucket.put(list(range(dice.randrange(6))))
    found, place = [], 0
    while place < PLACES:
        some, place = buckets.stretch(place, dice.randrange(1, 30))
        found += some
    assert found == list(buckets)
    assert buckets.stretch(0, 0) == ([], 0)


def test_places_are_spread_evenly_for_ids_that_count_up() -> None:
    """Of 50,000 ids like those that products give, each of 1,024 buckets gets about its share."""
    for pattern in ("user-{:06d}", "{}", "{:08x}-0000-4000-8000-000000000000", "someone+{}@example.com"):
        counts = np.bincount([place_of(pattern.format(number)) >> 22 for number in range(50_000)], minlength=1024)
        assert counts.min() > 10, pattern
        assert counts.max() < 110, pattern


def _content(dice: random.Random, names: list[str]) -> Content:
    kinds = bytes(dice.randrange(3) for _ in names)
    sizes = np.array([[dice.randrange(4), dice.randrange(3)] for _ in names], dtype=np.int32).reshape(-1, 2)
    numbers = np.array([[dice.randrange(1 << 40) for _ in range(NUMBERS)] for _ in names], dtype=np.int64)
    own, parts = sizes.sum(axis=0).tolist() if names else (0, 0)
    extras = {index: dice.randbytes(3) for index in range(len(names)) if dice.random() < 0.3}
    return Content(
        kinds, names_of(names), numbers.tobytes(), sizes.tobytes(), dice.randbytes(own), dice.randbytes(parts), extras
    )


@pytest.mark.parametrize("seed", range(20))
def test_members_stay_themselves_when_contents_are_cut_and_joined(seed: int) -> None:
    """Each member is found again with what it had, in whatever content it comes to lie."""
    dice = random.Random(seed)
    first = _content(dice, [f"ä{number}" for number in range(dice.randrange(8))])
    second = _content(dice, [f"b{number}" for number in range(dice.randrange(8))])
    held = {key: one.member(i) for one in (first, second) for i, key in enumerate(one.members())}
    both = decode(encode(joined([first, EMPTY, second])))
    chosen = dice.sample(range(len(both)), len(both) // 2)
    for content in (both, both.take(chosen), joined([both.take(chosen)])):
        for index, key in enumerate(content.members()):
            assert content.find(key) == index
            assert content.member(index) == held[key]
            assert content.column(POSITION)[index] == held[key].position
    assert both.find(SubjectKey("user", "nobody")) is None
    assert len(both.take(chosen)) == len(chosen)


def test_what_another_version_wrote_is_refused() -> None:
    """The error says what to do."""
    with pytest.raises(InvalidInput, match="new data folder"):
        decode(msgspec.msgpack.encode([1, 2, 3]))
