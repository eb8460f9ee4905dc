"""Models that the tests take apart."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from data import data_file


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


class VGG(nn.Module):
    """Like Simonyan and Zisserman (2015), for 16 x 16 images, with dropout between its layers."""

    def __init__(self, n_classes=5):
        super().__init__()
        layers = []
        for inputs, outputs in pairwise((3, 8, 16)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(
            nn.Linear(64, 24), nn.ReLU(True), nn.Dropout(),
            nn.Linear(24, 12), nn.ReLU(True), nn.Dropout(),
            nn.Linear(12, n_classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class ViT(nn.Module):
    """Like Dosovitskiy et al. (2021): patches, a class token, which alone goes to the head."""

    def __init__(self, n_classes=5, size=8, patch=4, width=16):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 1 + (size // patch) ** 2, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 32, batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1) + self.positions
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(self.norm(tokens)[:, 0])


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


def resnet20():
    """Return the ResNet-20 of the real data, with its weights."""
    from safetensors.torch import load_file

    model = ResNet20()
    model.load_state_dict(load_file(data_file("cifar10_resnet20/resnet20.safetensors")))
    return model
