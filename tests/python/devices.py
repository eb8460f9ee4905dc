"""Arrays on devices, for tests."""

import numpy as np

from hullspace.devices import DeviceArray


def number_of(device):
    """The number in the name of a device."""
    return int(device.removeprefix("cuda:"))


class Lent:
    """An array on a device that any library may have: all that it does is to lend itself."""

    def __init__(self, array, device="cuda:0", *, versioned=True):
        self.memory = DeviceArray.of_numpy(np.asarray(array), number_of(device), 0)
        self.versioned = versioned
        self.stream = None

    def __dlpack_device__(self):
        return self.memory.__dlpack_device__()

    def __dlpack__(self, *, stream=None, **options):
        self.stream = stream
        if options and not self.versioned:
            raise TypeError(f"unexpected {options}")
        return self.memory.__dlpack__(stream=stream, **options)
