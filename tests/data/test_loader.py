"""DataLoader: its batches, orders, threads and errors."""

import threading
import time
from itertools import chain

import numpy as np
import pytest

import autograd
from nn.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    get_worker_info,
)

WORKERS = pytest.mark.parametrize("workers", [0, 1, 3])


def rows(n=10):
    x = autograd.from_numpy(np.arange(2 * n, dtype=np.float32).reshape(n, 2))
    return TensorDataset(x, autograd.from_numpy(np.arange(n)))


class Squares(Dataset):
    def __init__(self, size=10):
        self.size = size

    def __getitem__(self, index):
        return index, float(index) ** 2

    def __len__(self):
        return self.size


def labels(loader):
    return [y.tolist() for _, y in loader]


@pytest.mark.parity
@WORKERS
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 20])
def test_batches_as_in_pytorch(batch_size, drop_last, workers):
    torch = pytest.importorskip("torch")
    expected = torch.utils.data.DataLoader(Squares(), batch_size, drop_last=drop_last)
    loader = DataLoader(Squares(), batch_size, drop_last=drop_last, num_workers=workers)
    assert len(loader) == len(expected)
    for _ in range(2):
        found = list(loader)
        assert len(found) == len(expected)
        for batch, batch_expected in zip(found, expected, strict=True):
            assert type(batch) is type(batch_expected)
            for field, field_expected in zip(batch, batch_expected, strict=True):
                assert field.numpy().dtype == field_expected.numpy().dtype
                np.testing.assert_array_equal(field.numpy(), field_expected.numpy())


@WORKERS
def test_arrays_are_indexed_once_a_batch(workers):
    class Counted(TensorDataset):
        calls = 0

        def __getbatch__(self, indices):
            Counted.calls += 1
            return super().__getbatch__(indices)

    data = Counted(*rows().tensors)
    for dataset in (data, Subset(data, range(10))):
        Counted.calls = 0
        assert labels(DataLoader(dataset, 4, num_workers=workers)) == [
            *([0, 1, 2, 3], [4, 5, 6, 7], [8, 9]),
        ]
        assert Counted.calls == 3


def test_arrays_and_items_give_the_same_batches():
    by_items = ConcatDataset([rows()])
    loaders = [
        DataLoader(dataset, 4, shuffle=True, generator=autograd.Generator().manual_seed(3))
        for dataset in (rows(), by_items)
    ]
    for batch, expected in zip(*loaders, strict=True):
        assert type(batch) is type(expected) is list
        for field, field_expected in zip(batch, expected, strict=True):
            assert field.dtype == field_expected.dtype
            np.testing.assert_array_equal(field.numpy(), field_expected.numpy())


def test_an_own_collate_fn_is_given_the_items():
    batches = list(DataLoader(rows(), 4, collate_fn=lambda items: items))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert [int(y) for _, y in batches[2]] == [8, 9]
    assert list(DataLoader("abc", 2, collate_fn="".join)) == ["ab", "c"]


class TestShuffle:
    def test_each_pass_has_a_new_order_of_all(self):
        loader = DataLoader(rows(100), 10, shuffle=True)
        first, second = labels(loader), labels(loader)
        assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(100))
        assert first != second != [list(range(i, i + 10)) for i in range(0, 100, 10)]

    @WORKERS
    def test_a_generator_makes_it_reproducible(self, workers):
        def passes(workers):
            generator = autograd.Generator().manual_seed(0)
            loader = DataLoader(rows(), 3, True, generator=generator, num_workers=workers)
            return [labels(loader), labels(loader)]

        assert passes(workers) == passes(0)

    def test_the_global_seed_does_too_and_its_stream_is_left_alone(self):
        loader = DataLoader(rows(100), 10, shuffle=True)
        autograd.manual_seed(1)
        expected = autograd.random.default_generator.rng.integers(2**40, size=3).tolist()
        autograd.manual_seed(1)
        first = labels(loader)
        assert autograd.random.default_generator.rng.integers(2**40, size=3).tolist() == expected
        autograd.manual_seed(1)
        assert labels(loader) == first

    def test_loops_inside_one_another(self):
        loader = DataLoader(rows(3), 1)
        pairs = [(int(a), int(b)) for _, a in loader for _, b in loader]
        assert pairs == [(a, b) for a in range(3) for b in range(3)]


class TestSamplers:
    def test_sampler(self):
        loader = DataLoader(rows(), 2, sampler=[7, 1, 1])
        assert labels(loader) == [[7, 1], [1]] and len(loader) == 2
        picked = labels(DataLoader(rows(), 2, sampler=SubsetRandomSampler([4, 5])))
        assert sorted(picked[0]) == [4, 5]

    def test_batch_sampler(self):
        sampler = BatchSampler(SequentialSampler(range(5)), 2, drop_last=True)
        loader = DataLoader(rows(), batch_sampler=sampler)
        assert labels(loader) == [[0, 1], [2, 3]] and len(loader) == 2
        assert labels(DataLoader(rows(), batch_sampler=[[3], (1, 2)])) == [[3], [1, 2]]

    def test_keys_of_a_mapping(self):
        data = {"a": np.zeros(2), "b": np.ones(2)}
        (batch,) = DataLoader(data, 2, sampler=["b", "a"])
        assert batch.tolist() == [[1, 1], [0, 0]]

    @WORKERS
    def test_items_instead_of_batches(self, workers):
        loader = DataLoader(rows(3), batch_size=None, num_workers=workers)
        assert [(tuple(x.shape), int(y)) for x, y in loader] == [((2,), i) for i in range(3)]
        assert len(loader) == 3
        (x, name), _ = DataLoader([(np.zeros(3), "a"), (np.ones(3), "b")], batch_size=None)
        assert isinstance(x, autograd.Tensor) and name == "a"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"batch_size": 0}, "batch_size must be a positive integer, got 0"),
            ({"batch_size": -2}, "got -2"),
            ({"batch_size": 2.0}, "got 2.0"),
            ({"batch_size": True}, "got True"),
            ({"shuffle": True, "sampler": [0]}, "a sampler sets the order; leave out shuffle"),
            ({"batch_sampler": [[0]], "batch_size": 2}, "leave out batch_size, shuffle"),
            ({"batch_sampler": [[0]], "shuffle": True}, "leave out batch_size, shuffle"),
            ({"batch_sampler": [[0]], "sampler": [0]}, "leave out batch_size, shuffle"),
            ({"batch_sampler": [[0]], "drop_last": True}, "leave out batch_size, shuffle"),
            ({"batch_size": None, "drop_last": True}, "no last batch to drop"),
            ({"num_workers": -1}, "num_workers must be 0 or more, got -1"),
            ({"prefetch_factor": 0}, "prefetch_factor must be 1 or more"),
        ],
    )
    def test_arguments_that_do_not_fit(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            DataLoader(rows(), **arguments)

    def test_no_items(self):
        assert list(DataLoader([], 2)) == []
        with pytest.raises(ValueError, match="number of items must be a positive"):
            DataLoader([], 2, shuffle=True)


class TestWorkers:
    def test_order_is_kept_when_later_batches_are_ready_first(self):
        class Uneven(Squares):
            def __getitem__(self, index):
                time.sleep(0.02 if index % 4 == 0 else 0)
                return super().__getitem__(index)

        loader = DataLoader(Uneven(12), 2, num_workers=4)
        assert [indices.tolist() for indices, _ in loader] == [[i, i + 1] for i in range(0, 12, 2)]

    def test_items_are_fetched_at_the_same_time_in_other_threads(self):
        meeting = threading.Barrier(3, timeout=5)

        class Together(Squares):
            def __getitem__(self, index):
                meeting.wait()
                return threading.current_thread() is threading.main_thread()

        flags = [flag.tolist() for flag in DataLoader(Together(6), num_workers=3)]
        assert flags == [[False]] * 6

    @pytest.mark.parametrize(("factor", "ahead"), [(None, 4), (1, 2), (3, 6)])
    def test_no_more_is_fetched_than_asked(self, factor, ahead):
        fetched = []

        class Recorded(Squares):
            def __getitem__(self, index):
                fetched.append(index)
                return index

        batches = iter(DataLoader(Recorded(50), num_workers=2, prefetch_factor=factor))
        next(batches)
        deadline = time.monotonic() + 5
        while len(fetched) < ahead + 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)
        assert sorted(fetched) == list(range(ahead + 1))
        del batches

    def test_the_seed_settles_what_items_draw(self):
        class Noise:
            def __len__(self):
                return 40

            def __getitem__(self, index):
                time.sleep(index % 3 * 1e-3)
                return autograd.rand(2)

        def two_passes(workers, shuffle):
            autograd.manual_seed(0)
            loader = DataLoader(Noise(), 4, num_workers=workers, shuffle=shuffle)
            return [autograd.cat(list(loader)).tolist() for _ in range(2)]

        for shuffle in (False, True):
            first, second = two_passes(3, shuffle)
            assert [first, second] == two_passes(3, shuffle) == two_passes(2, shuffle)
            assert len({x for row in first + second for x in row}) == 160

    def test_init_is_called_in_each_thread_in_order(self):
        names, seeds, seen = [], [], set()

        def init(number):
            info = get_worker_info()
            assert (info.id, info.num_workers, info.dataset) == (number, 3, data)
            time.sleep(0.01 * (3 - number))
            names.append((number, threading.current_thread().name))
            seeds.append(info.seed)
            autograd.manual_seed(number)

        class Asking(Squares):
            def __getitem__(self, index):
                assert len(names) % 3 == 0
                time.sleep(1e-3)
                seen.add((get_worker_info().id, threading.current_thread().name))
                return index

        data = Asking(30)
        loader = DataLoader(data, num_workers=3, worker_init_fn=init)
        for _ in range(2):
            names.clear()
            seen.clear()
            autograd.manual_seed(0)
            expected = autograd.get_rng_state()
            list(loader)
            assert [number for number, _ in names] == [0, 1, 2]
            assert seen <= set(names) and len(set(names)) == 3
            # Only the split of a stream, for the seed, is to be seen.
            assert autograd.get_rng_state() == {**expected, "spawned": expected["spawned"] + 1}
        assert seeds[:3] == seeds[3:] and len(set(seeds)) == 3
        list(loader)
        assert not set(seeds[6:]) & set(seeds[:6])
        assert get_worker_info() is None

    def test_an_error_in_init_is_raised(self):
        def init(number):
            if number == 1:
                raise ValueError("spoilt")

        with pytest.raises(ValueError, match="spoilt") as caught:
            list(DataLoader(Squares(), num_workers=3, worker_init_fn=init))
        assert caught.value.__notes__ == ["raised by worker_init_fn(1)"]
        assert not [t for t in threading.enumerate() if t.name.startswith("DataLoader")]

    def test_seeding_in_an_item_settles_that_item(self):
        class Seeded(Squares):
            def __getitem__(self, index):
                autograd.manual_seed(index)
                return autograd.rand(1)

        autograd.manual_seed(5)
        expected = autograd.initial_seed()
        values = autograd.cat(list(DataLoader(Seeded(), num_workers=3))).flatten().tolist()
        assert autograd.initial_seed() == expected
        assert values == [autograd.manual_seed(i) and autograd.rand(1).item() for i in range(10)]

    def test_what_draws_nothing_leaves_the_streams_alone(self):
        autograd.manual_seed(0)
        expected = autograd.get_rng_state()
        list(DataLoader(range(10), 2, num_workers=2))
        assert autograd.get_rng_state() == expected

    def test_leaving_a_loop_early_ends_the_threads(self):
        for _ in DataLoader(Squares(1000), num_workers=2):
            break
        next(iter(DataLoader(Squares(1000), num_workers=2)))
        assert not [t for t in threading.enumerate() if t.name.startswith("DataLoader")]

    def test_leaving_a_loop_early_does_not_wait_for_what_is_queued(self):
        fetched = []

        class Slow(Squares):
            def __getitem__(self, index):
                fetched.append(index)
                time.sleep(0.01 if index else 0)
                return index

        next(iter(DataLoader(Slow(100), num_workers=1, prefetch_factor=50)))
        assert len(fetched) < 40


class TestErrors:
    @WORKERS
    @pytest.mark.parametrize("error", [ValueError("spoilt"), StopIteration("spoilt")])
    def test_an_error_in_an_item_is_raised_with_its_index(self, workers, error):
        class Faulty(Squares):
            def __getitem__(self, index):
                if index == 7:
                    raise error
                return index

        error.__notes__ = []
        batches = []
        with pytest.raises((ValueError, RuntimeError)) as caught:
            batches.extend(DataLoader(Faulty(), 2, num_workers=workers))
        assert len(batches) == 3
        # A StopIteration must not pass for the end of the data: Python makes it a RuntimeError.
        raised = caught.value if isinstance(error, ValueError) else caught.value.__cause__
        assert raised is error and raised.__notes__ == ["raised by item 7 of Faulty"]

    @WORKERS
    def test_unequal_shapes_name_the_item(self, workers):
        items = [np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(4)]
        loader = DataLoader(items, 2, sampler=[0, 1, 2, 3], num_workers=workers)
        with pytest.raises(RuntimeError, match=r"entry 1 .* \(4,\), entry 0 has \(3,\)") as caught:
            list(loader)
        assert caught.value.__notes__ == ["entry 1 is item 3 of the dataset"]

    def test_an_index_out_of_range(self):
        with pytest.raises(IndexError, match="10"):
            list(DataLoader(rows(), 2, sampler=[0, 10]))
