"""Samplers: what they yield, how often, and from which random stream."""

import numpy as np
import pytest

import autograd
from nn.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded(seed=0):
    return autograd.Generator().manual_seed(seed)


RANDOM = {
    "random": lambda g: RandomSampler(range(50), generator=g),
    "replacement": lambda g: RandomSampler(range(50), replacement=True, generator=g),
    "subset": lambda g: SubsetRandomSampler(list(range(100, 150)), generator=g),
    "weighted": lambda g: WeightedRandomSampler(np.arange(1, 51), 50, generator=g),
    "weighted, once": lambda g: WeightedRandomSampler(np.arange(1, 51), 40, False, generator=g),
}


@pytest.mark.parametrize("kind", RANDOM)
class TestRandom:
    def test_a_generator_settles_every_pass(self, kind):
        sampler, twin = RANDOM[kind](seeded()), RANDOM[kind](seeded())
        first, second = list(sampler), list(sampler)
        assert first != second
        assert [list(twin), list(twin)] == [first, second]
        assert list(RANDOM[kind](seeded(1))) != first
        assert len(first) == len(sampler) and all(type(index) is int for index in first)

    def test_the_global_seed_settles_it_too(self, kind):
        sampler = RANDOM[kind](None)
        autograd.manual_seed(5)
        passes = [list(sampler), list(sampler)]
        assert passes[0] != passes[1]
        autograd.manual_seed(5)
        assert [list(sampler), list(sampler)] == passes

    def test_the_global_stream_is_left_alone(self, kind):
        autograd.manual_seed(5)
        expected = autograd.random.default_generator.rng.integers(2**40, size=3).tolist()
        autograd.manual_seed(5)
        list(RANDOM[kind](None))
        assert autograd.random.default_generator.rng.integers(2**40, size=3).tolist() == expected


def test_the_base_class_says_what_to_define():
    with pytest.raises(NotImplementedError, match="Sampler must define __iter__"):
        iter(Sampler())


def test_sequential():
    sampler = SequentialSampler("abcd")
    assert list(sampler) == list(sampler) == [0, 1, 2, 3] and len(sampler) == 4


def test_random_is_a_permutation():
    assert sorted(RandomSampler(range(1000))) == list(range(1000))


@pytest.mark.parametrize("count", [1, 4, 10, 25])
def test_random_with_a_number_of_samples(count):
    drawn = list(RandomSampler(range(10), num_samples=count, generator=seeded()))
    assert len(drawn) == count
    for start in range(0, count, 10):
        assert len(set(drawn[start : start + 10])) == min(10, count - start)


def test_replacement_repeats_and_covers():
    drawn = list(RandomSampler(range(10), replacement=True, num_samples=1000, generator=seeded()))
    assert len(drawn) == 1000 and set(drawn) == set(range(10))
    assert len(set(drawn[:10])) < 10


@pytest.mark.parametrize("count", [0, -1, 2.0, True])
def test_counts_that_are_none(count):
    for make in (
        lambda: RandomSampler(range(10), num_samples=count),
        lambda: WeightedRandomSampler([1.0, 1.0], count),
        lambda: BatchSampler(range(3), count, False),
    ):
        with pytest.raises(ValueError, match="must be a positive integer, got"):
            make()


def test_nothing_to_sample():
    with pytest.raises(ValueError, match="number of items must be a positive integer, got 0"):
        RandomSampler([], num_samples=3)


def test_subset():
    assert sorted(SubsetRandomSampler(["b", "a", "c"])) == ["a", "b", "c"]


def test_weights_are_the_frequencies():
    weights = autograd.tensor([1.0, 0.0, 3.0, 6.0])
    drawn = list(WeightedRandomSampler(weights, 20000, generator=seeded()))
    frequencies = np.bincount(drawn, minlength=4) / len(drawn)
    # Five standard deviations of the largest.
    np.testing.assert_allclose(frequencies, [0.1, 0, 0.3, 0.6], atol=0.018)
    assert frequencies[1] == 0


def test_weighted_without_replacement():
    sampler = WeightedRandomSampler([1.0, 0.0, 3.0, 6.0], 3, replacement=False)
    assert sorted(sampler) == [0, 2, 3]
    with pytest.raises(ValueError, match="cannot draw 4 different indices, only 3 have"):
        WeightedRandomSampler([1.0, 0.0, 3.0, 6.0], 4, replacement=False)


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -1.0], [np.nan], [np.inf], [[1.0]], 1.0])
def test_weights_that_are_none(weights):
    with pytest.raises(ValueError, match="weights must be of shape"):
        WeightedRandomSampler(weights, 1)


def test_later_changes_of_the_given_weights_do_not_reach_the_sampler():
    weights = np.array([1.0, 0.0])
    sampler = WeightedRandomSampler(weights, 5)
    weights[:] = [0.0, 1.0]
    assert list(sampler) == [0] * 5


@pytest.mark.parity
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [0, 1, 3, 7, 9])
def test_batches_as_in_pytorch(size, drop_last):
    data = pytest.importorskip("torch").utils.data
    sampler = BatchSampler(SequentialSampler(range(size)), 3, drop_last)
    expected = data.BatchSampler(data.SequentialSampler(range(size)), 3, drop_last)
    assert list(sampler) == list(sampler) == list(expected)
    assert len(sampler) == len(expected) == len(list(sampler))
