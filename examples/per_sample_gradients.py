"""The gradient of each sample by itself, in one pass: which digits pull hardest at a network.

    python examples/per_sample_gradients.py [--samples 64]

`vmap(grad(loss), in_dims=(None, 0, 0))` differentiates by the parameters, which all samples share,
and yet gives one gradient per sample. Their norms show what is learnt with difficulty, and clipping
them bounds what a model can reveal of one sample (Abadi et al., "Deep learning with differential
privacy", 2016).
"""

import argparse
import time

import autograd
import nn
import nn.functional as F
from autograd import Tensor
from autograd.func import functional_call, grad, vmap
from nn.data import digits

Params = dict[str, Tensor]


def norms(gradients: Params) -> Tensor:
    """The length of each sample's gradient."""
    squares = [g.flatten(1).square().sum(1) for g in gradients.values()]
    return autograd.stack(squares).sum(0).sqrt()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64)
    n = parser.parse_args().samples
    autograd.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 10)),
    )
    params = {name: p.detach() for name, p in model.named_parameters()}
    images, labels = (t[:n] for t in digits()[1].tensors)

    def loss(params: Params, image: Tensor, label: Tensor) -> Tensor:
        scores = functional_call(model, params, image.unsqueeze(0))
        return F.cross_entropy(scores, label.unsqueeze(0))

    gradient = grad(loss)
    start = time.perf_counter()
    per_sample = vmap(gradient, in_dims=(None, 0, 0))(params, images, labels)
    at_once = time.perf_counter() - start
    start = time.perf_counter()
    loop = [gradient(params, image, label) for image, label in zip(images, labels, strict=True)]
    one_by_one = time.perf_counter() - start
    difference = max(
        (per_sample[k] - autograd.stack([g[k] for g in loop])).abs().max() for k in params
    )
    print(f"{n} gradients of {sum(p.numel() for p in params.values())} numbers each")
    print(f"  in one pass {at_once * 1e3:.0f} ms, in a loop {one_by_one * 1e3:.0f} ms")
    print(f"  largest difference {difference.item():.0e}")

    lengths = norms(per_sample)
    hardest = lengths.topk(5).indices
    print("the digits that pull hardest:")
    for i in hardest.tolist():
        print(f"  image {i:3} of a {labels[i].item()}: length {lengths[i].item():.2f}")

    limit = lengths.median()
    factors = (limit / lengths).clamp(max=1.0)
    clipped = {
        k: (g * factors.reshape(-1, *[1] * (g.ndim - 1))).mean(0) for k, g in per_sample.items()
    }
    mean = {k: g.mean(0) for k, g in per_sample.items()}
    total = [norms({k: g.unsqueeze(0) for k, g in tree.items()}).item() for tree in (mean, clipped)]
    print(f"mean gradient: length {total[0]:.3f}, {total[1]:.3f} with each clipped to the median")


if __name__ == "__main__":
    main()
