"""Datasets and splits, and the ways in which they answer for many items at once."""

import numpy as np
import pytest

import autograd
from nn.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from nn.data.dataset import get_batch, get_items


def rows(n=6):
    x = autograd.from_numpy(np.arange(2 * n, dtype=np.float32).reshape(n, 2))
    return TensorDataset(x, autograd.from_numpy(np.arange(n) * 10))


def listed(fields):
    return [field.numpy().tolist() for field in fields]


def test_the_base_class_says_what_to_define():
    class Empty(Dataset):
        pass

    with pytest.raises(NotImplementedError, match="Empty must define __getitem__"):
        Empty()[0]


def test_tensor_dataset():
    data = rows()
    assert len(data) == 6
    assert isinstance(data[2], tuple) and listed(data[2]) == [[4, 5], 20]
    assert listed(data[-1]) == [[10, 11], 50]
    assert listed(data[1:3]) == [[[2, 3], [4, 5]], [10, 20]]
    with pytest.raises(IndexError):
        data[6]


def test_tensor_dataset_shares_memory_and_batches_do_not():
    data = rows()
    batch = get_batch(data, [0, 1, 2])
    batch[0].numpy()[:] = -1
    assert data.tensors[0].numpy().min() == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), ValueError, "got shapes"),
        ((np.zeros(3),), TypeError, "argument 0 is ndarray, not a Tensor; autograd.from_numpy"),
        ((autograd.tensor(1.0),), ValueError, r"got shapes \[\(\)\]"),
        ((autograd.tensor([1.0, 2.0]), autograd.tensor([1])), ValueError, r"\[\(2,\), \(1,\)\]"),
    ],
)
def test_tensor_dataset_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        TensorDataset(*arguments)


def test_subset():
    data = Subset("abcdef", np.array([5, 0, 2]))
    assert [data[i] for i in range(len(data))] == ["f", "a", "c"]
    assert data.__getitems__([2, 0]) == ["c", "f"]
    nested = Subset(Subset(rows(), [5, 3, 1]), range(1, 3))
    assert listed(nested[0]) == [[6, 7], 30]
    assert listed(nested.__getbatch__(np.array([1, 0]))) == [[[2, 3], [6, 7]], [10, 30]]
    assert Subset("abc", [0]).__getbatch__(np.array([0])) is NotImplemented


def test_subset_passes_a_list_on():
    assert listed(Subset(rows(), [4, 5, 0])[[0, 2]]) == [[[8, 9], [0, 1]], [40, 0]]


def test_concat():
    data = rows(2) + rows(1) + Subset(rows(), [3])
    assert isinstance(data, ConcatDataset) and len(data) == 4
    labels = [int(label) for _, label in data]
    assert labels == [0, 10, 0, 30]
    assert [int(data[i][1]) for i in range(-4, 0)] == labels
    for index in (4, -5):
        with pytest.raises(IndexError, match=f"index {index} is out of range for 4 items"):
            data[index]
    assert ConcatDataset([[], "a", "", "b"])[1] == "b"
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])


class TestBulk:
    def test_indices_arrive_as_one_int64_array(self):
        class Arrays(Dataset):
            def __getbatch__(self, indices):
                return indices

        for given in ([3, 1], range(2), np.array([3, 1], np.int8), [np.int64(3)], []):
            got = get_batch(Arrays(), given)
            assert isinstance(got, np.ndarray) and got.dtype == np.int64
            assert got.tolist() == list(given)
        assert get_batch(Arrays(), [autograd.tensor(4), autograd.tensor(2)]).tolist() == [4, 2]
        with pytest.raises(TypeError):
            get_batch(Arrays(), [0.5])

    def test_an_override_of_getitem_is_not_gone_around(self):
        class Doubled(TensorDataset):
            def __getitem__(self, index):
                return tuple(2 * field for field in super().__getitem__(index))

        class DoubledSubset(Subset):
            def __getitem__(self, index):
                return "changed"

        class Both(Doubled):
            def __getbatch__(self, indices):
                return "batch"

        assert get_batch(Doubled(*rows().tensors), [0]) is NotImplemented
        assert listed(get_items(Doubled(*rows().tensors), [1])[0]) == [[4, 6], 20]
        assert get_batch(DoubledSubset(rows(), [0]), [0]) is NotImplemented
        assert get_items(DoubledSubset(rows(), [0]), [0]) == ["changed"]
        assert get_batch(Both(*rows().tensors), [0]) == "batch"

    def test_getitems_is_used(self):
        class Bulk(Dataset):
            def __getitem__(self, index):
                raise AssertionError("one by one")

            def __getitems__(self, indices):
                return [f"item {i}" for i in indices]

        assert get_items(Bulk(), [2, 0]) == ["item 2", "item 0"]
        assert get_items(Subset(Bulk(), [5, 7]), [1]) == ["item 7"]

    def test_an_error_is_noted_with_the_index(self):
        class Faulty(Dataset):
            def __getitem__(self, index):
                return 1 // (index - 3)

        with pytest.raises(ZeroDivisionError) as caught:
            get_items(Subset(Faulty(), [1, 3]), [0, 1])
        assert caught.value.__notes__ == ["raised by item 3 of Faulty"]

    def test_any_kind_of_index_reaches_a_dataset_of_its_own(self):
        assert get_items({"a": 1, "b": 2}, ["b", "a"]) == [2, 1]
        assert get_batch({"a": 1}, ["a"]) is NotImplemented


class TestRandomSplit:
    def test_parts_are_disjoint_and_cover(self):
        parts = random_split(range(20), [12, 5, 3], autograd.Generator().manual_seed(0))
        assert [len(part) for part in parts] == [12, 5, 3]
        items = [item for part in parts for item in part]
        assert items != list(range(20)) and sorted(items) == list(range(20))
        assert type(parts[0].indices) is list

    def test_reproducible(self):
        def split(seed):
            parts = random_split(range(50), [0.5, 0.5], autograd.Generator().manual_seed(seed))
            return parts[0].indices

        assert split(1) == split(1) != split(2)

    @pytest.mark.parity
    @pytest.mark.parametrize(
        "fractions",
        [[0.5, 0.5], [0.8, 0.1, 0.1], [1 / 3] * 3, [0.1] * 10, [0.29, 0.71], [1.0], [0.95, 0.05]],
    )
    @pytest.mark.parametrize("size", [20, 101, 1003])
    def test_fractions_as_in_pytorch(self, fractions, size):
        torch = pytest.importorskip("torch")
        expected = torch.utils.data.random_split(range(size), fractions)
        parts = random_split(range(size), fractions)
        assert [len(part) for part in parts] == [len(part) for part in expected]

    def test_fractions_whose_rounded_sum_exceeds_one(self):
        fractions = [0.34, 0.56, 0.1]
        assert sum(fractions) > 1
        assert sum(map(len, random_split(range(10), fractions))) == 10

    def test_an_empty_part_warns(self):
        with pytest.warns(UserWarning, match="part 1 of 3 items is empty"):
            random_split(range(3), [0.9, 0.1])

    @pytest.mark.parametrize(
        "lengths", [[3, 3], [12, -2], [0.5, 0.4], [2.5, 7.5], [10.5], [1.5, -0.5], []]
    )
    def test_lengths_that_do_not_fit(self, lengths):
        with pytest.raises(ValueError, match="random_split: lengths must"):
            random_split(range(10), lengths)
