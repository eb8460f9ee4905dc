"""The ResNet-20 of the reference data: He et al. (2016), section 4.2, with option-A shortcuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from hullspace import FeatureSpace

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Two convolutions and a shortcut, which drops pixels and adds empty channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.padding = stride, (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, height, width) to (n, outputs, height / stride, width / stride)."""
        out = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        kept = x[:, :, :: self.stride, :: self.stride]
        return functional.relu(out + functional.pad(kept, (0, 0, 0, 0, self.padding, self.padding)))


class ResNet20(nn.Module):
    """Twenty layers for images of 32 x 32 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for i, (inputs, outputs) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
            first = Block(inputs, outputs, 1 if i == 1 else 2)
            rest = [Block(outputs, outputs, 1) for _ in range(2)]
            setattr(self, f"layer{i}", nn.Sequential(first, *rest))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalized images, (n, 3, 32, 32), to logits, (n, 10)."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.linear(out.mean((2, 3)))


def normalize(images: Tensor) -> Tensor:
    """Normalize the colours of images with pixels between 0 and 1."""
    mean, std = (images.new_tensor(values).reshape(3, 1, 1) for values in (MEAN, STD))
    return (images - mean) / std


def load_space(folder: Path) -> FeatureSpace:
    """Load the model from a folder with ``resnet20.safetensors`` and take its feature space."""
    from safetensors.torch import load_file

    model = ResNet20().eval()
    model.load_state_dict(load_file(folder / "resnet20.safetensors"))
    return FeatureSpace.from_torch(model, torch.zeros(2, 3, 32, 32), preprocess=normalize)
