"""Models that the tests take apart."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional


class Shortcut(nn.Module):
    """Option A of He et al. (2016): every second pixel, missing channels zero."""

    def __init__(self, channels):
        super().__init__()
        self.padding = channels // 4

    def forward(self, x):
        padding = (0, 0, 0, 0, self.padding, self.padding)
        return functional.pad(x[:, :, ::2, ::2], padding)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = Shortcut(outputs) if stride > 1 else nn.Identity()

    def forward(self, x):
        out = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(out)) + self.shortcut(x), inplace=True)


class ResNet20(nn.Module):
    """ResNet-20 for 32 x 32 images, He et al. (2016), section 4.2."""

    def __init__(self, n_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, 1)
        self.layer2 = self.stage(16, 32, 2)
        self.layer3 = self.stage(32, 64, 2)
        self.linear = nn.Linear(64, n_classes)

    @staticmethod
    def stage(inputs, outputs, stride):
        blocks = [BasicBlock(inputs, outputs, stride)]
        return nn.Sequential(*blocks, *(BasicBlock(outputs, outputs, 1) for _ in range(2)))

    def forward(self, x):
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.linear(functional.adaptive_avg_pool2d(out, 1).flatten(1))


class Wrapped(nn.Module):
    """Calls another model and does something to its output."""

    def __init__(self, model, change):
        super().__init__()
        self.model = model
        self.change = change

    def forward(self, x):
        return self.change(self.model(x))


def mlp(*widths, inplace=False):
    """Linear layers with ReLU between them."""
    layers = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=inplace)]
    return nn.Sequential(*layers[:-1])


def images(n, *shape, seed=0):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))
