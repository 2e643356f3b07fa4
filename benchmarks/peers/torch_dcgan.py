"""Another peer of `benchmarks.training`: the same networks in PyTorch, channels_last, bfloat16 by autocast.

PyTorch is no dependency of ours: another environment's Python runs this file.
"""

import os
import sys

import numpy as np
import torch
from torch import nn

from benchmarks.rounds import answer_rounds

BATCH, LATENT = 256, 100


class Unflatten(nn.Module):
    """(n, 12544) to (n, 256, 7, 7), channels last."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Lay out as channels last."""
        return features.view(-1, 7, 7, 256).permute(0, 3, 1, 2)


def build_generator() -> nn.Module:
    """Latents (n, 100) to images (n, 1, 28, 28)."""
    return nn.Sequential(
        nn.Linear(LATENT, 7 * 7 * 256, bias=False),
        nn.BatchNorm1d(7 * 7 * 256, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.3),
        Unflatten(),
        nn.ConvTranspose2d(256, 128, 5, 1, padding=2, bias=False),
        nn.BatchNorm2d(128, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(128, 64, 5, 2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(64, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(64, 1, 5, 2, padding=2, output_padding=1, bias=False),
        nn.Tanh(),
    )


def build_discriminator() -> nn.Module:
    """Images (n, 1, 28, 28) to logits (n, 1)."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 5, 2, padding=2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Conv2d(64, 128, 5, 2, padding=2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(7 * 7 * 128, 1),
    )


def main(path: str) -> None:
    """Train on the images of an .npy file, uint8 (n, 28, 28, 1), for as long as the input says."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    images = torch.from_numpy(np.load(path)).permute(0, 3, 1, 2).to(memory_format=torch.channels_last)
    generator, discriminator = (
        network.to(memory_format=torch.channels_last)
        for network in (build_generator(), build_discriminator())
    )
    weights_g, weights_d = list(generator.parameters()), list(discriminator.parameters())
    optimizer_g, optimizer_d = (
        torch.optim.Adam(weights, 1e-4, eps=1e-7, fused=True) for weights in (weights_g, weights_d)
    )
    cross_entropy = nn.functional.binary_cross_entropy_with_logits

    def train_batch() -> int:
        real = (images[torch.randint(len(images), (BATCH,))].float() - 127.5) / 127.5
        with torch.autocast("cpu", torch.bfloat16):
            generated = generator(torch.randn(BATCH, LATENT))
            real_logits, generated_logits = discriminator(real).float(), discriminator(generated).float()
            ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
            loss_g = cross_entropy(generated_logits, ones)
            loss_d = cross_entropy(real_logits, ones) + cross_entropy(generated_logits, zeros)
        for loss, weights, optimizer in ((loss_g, weights_g, optimizer_g), (loss_d, weights_d, optimizer_d)):
            gradients = torch.autograd.grad(loss, weights, retain_graph=loss is loss_g)
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
            optimizer.step()
        return BATCH

    answer_rounds(train_batch, lambda: None)


if __name__ == "__main__":
    main(sys.argv[1])
