"""The benchmark program: its cases run, its numbers are what they say, PyTorch may be missing."""

import json
import runpy
import sys
from functools import partial
from pathlib import Path

import pytest

import autograd
import nn
import optim

DIRECTORY = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def step(monkeypatch):
    monkeypatch.syspath_prepend(str(DIRECTORY))
    for name in ("step", "recurrent", "transformer", "convolutional", "textbook", "compare"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import step

    return step


def test_cases_train_and_differentiate(step):
    library = step.Library("tapegrad", autograd, nn, optim)
    train = step.mlp_step(library, 4, with_adam=True)
    first = train()
    for _ in range(5):
        last = train()
    assert last < first / 2
    still = step.mlp_step(library, 4, with_adam=False)
    assert still() == still()
    assert step.small_ops(library, (3,))() == pytest.approx(3 * step.small_ops(library, ())())


def test_recurrent_cases_train(step):
    import recurrent

    library = step.Library("tapegrad", autograd, nn, optim)
    for case in (recurrent.rows_of_images, partial(recurrent.language_model, layers=1)):
        run = case(library, "LSTM")
        assert run() > run() > 0
    alone = recurrent.layer_alone(library, "GRU")
    assert alone() == alone()


def test_transformer_cases_train(step):
    import transformer

    library = step.Library("tapegrad", autograd, nn, optim)
    run = transformer.gpt(library, layers=1, batch=2)
    assert run() > run() > 0
    assert transformer.attention(library, 1, 2, 3, 4)() > 0
    assert transformer.encoder(library, 1, 4, 32)() > 0
    assert transformer.encoder(library, 1, 4, 32, dropout=0.5)() == 0


def test_convolutional_cases_train(step):
    import convolutional

    library = step.Library("tapegrad", autograd, nn, optim)
    for build, image in ((convolutional.lenet, (1, 28, 28)), (convolutional.resnet, (3, 8, 8))):
        run = convolutional.classifier(library, build, image, batch=4)
        assert run() > run() > 0
    run = convolutional.unet(library, batch=2)
    assert run() > run() > 0
    run = convolutional.dcgan(library, batch=2)
    assert run() == run() > 0
    build, (_, *image) = convolutional.LAYERS["max pool 3x3, stride 2"]
    run = convolutional.layer(library, build, (2, *image))
    assert run() == run() != 0


def test_textbook_programs_train(step):
    import textbook

    library = step.Library("tapegrad", autograd, nn, optim)
    for case in (textbook.autoencoder, textbook.vae, textbook.gan):
        run = case(library)
        assert run() > run() > 0
    run = textbook.crf(library, words=5, tags=3)
    assert run() == run() > 0
    run = textbook.recurrent_by_hand(library)
    assert run() == run() > 0


def test_disagreeing_libraries_stop_the_comparison(step):
    import compare

    compare.check_same("case", [1.0, 1.00001])
    with pytest.raises(SystemExit, match="disagree"):
        compare.check_same("case", [1.0, 1.1])


def test_summary_and_table(step):
    import compare

    result = compare.Result("sum", [1.0, 2.0, 3.0], [2.0, 8.0, 4.0])
    summary = result.summary()
    assert (summary["ours"], summary["pytorch"], summary["ratio"]) == (2.0, 4.0, 0.5)
    assert "0.50" in compare.table([result])
    assert "ratio" not in compare.Result("alone", [1.0, 2.0], []).summary()


def test_runs_without_pytorch(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)  # makes `import torch` fail
    for variable in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{variable}_NUM_THREADS", "1")
    monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", "1")
    monkeypatch.syspath_prepend(str(DIRECTORY))
    arguments = ["step.py", "--rounds", "2", "--batch-size", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(str(DIRECTORY / "step.py"), run_name="__main__")
    assert "PyTorch is not installed" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*arguments, "--json"])
    runpy.run_path(str(DIRECTORY / "step.py"), run_name="__main__")
    found = json.loads(capsys.readouterr().out)
    assert found["results"][0]["case"] == "training step with Adam"
    assert all(r["ours"] > 0 for r in found["results"])


@pytest.mark.parametrize("option", ["--threads=0", "--rounds=1", "--batch-size=x"])
def test_wrong_options_exit_with_2(monkeypatch, option, capsys):
    monkeypatch.syspath_prepend(str(DIRECTORY))
    monkeypatch.setattr(sys, "argv", ["step.py", option])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(DIRECTORY / "step.py"), run_name="__main__")
    assert stopped.value.code == 2
    assert option.split("=")[0] in capsys.readouterr().err
