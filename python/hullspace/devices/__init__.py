"""Devices, and the array libraries whose arrays live there; nothing else knows of either."""

from hullspace.devices.arrays import Placed, beside, on_host, place_array, place_matrix
from hullspace.devices.choice import (
    Device,
    Devices,
    as_memory_limit,
    choose_device,
    device_of,
    devices,
    name_of,
)
from hullspace.devices.libraries import NUMPY, ArrayLibrary, DeviceArray, DeviceCsr

__all__ = [
    "NUMPY",
    "ArrayLibrary",
    "Device",
    "DeviceArray",
    "DeviceCsr",
    "Devices",
    "Placed",
    "as_memory_limit",
    "beside",
    "choose_device",
    "device_of",
    "devices",
    "name_of",
    "on_host",
    "place_array",
    "place_matrix",
]
