"""Python code of the contract, made for this run: the directory is named by HATD_PROSODY_STUBS."""

import os
import sys

sys.path.insert(0, os.environ["HATD_PROSODY_STUBS"])

from hatd.v1 import (
    hat_service_pb2,
    hat_service_pb2_grpc,
    room_service_pb2,
    room_service_pb2_grpc,
    types_pb2,
    wardrobe_service_pb2,
    wardrobe_service_pb2_grpc,
)

__all__ = [
    "hat_service_pb2",
    "hat_service_pb2_grpc",
    "room_service_pb2",
    "room_service_pb2_grpc",
    "types_pb2",
    "wardrobe_service_pb2",
    "wardrobe_service_pb2_grpc",
]
