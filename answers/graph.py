"""An output more for the encoder's ONNX graph, without a library for ONNX files at run time.

A protobuf message followed by the bytes of another of its kind is read as both merged, so an output is added by adding
bytes to the file's: a model whose graph has nothing but that output. Field numbers are those of `onnx.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator

from minsheng.errors import BadInput

_GRAPH, _NODE, _OUTPUT = 7, 1, 12
_INPUTS, _OUTPUTS, _OPERATOR = 1, 2, 4


def first_layer(network: bytes) -> str:
    """The name of what the first layer makes, shape (texts, length, hidden): what the second one reads, by the names
    that `training/graph.py` gives."""
    for operator, inputs, _ in _nodes(network):
        if operator == "QuantizeLinear" and inputs[1] == "layer1_input_step":
            return inputs[0]
    raise BadInput("the encoder's graph has no second layer", "install Minsheng again")


def with_output(network: bytes, name: str) -> bytes:
    """The network, with a float tensor of it as one output more."""
    float_tensor = _field(1, b"\x08\x01")  # tensor_type with elem_type FLOAT
    info = _field(1, name.encode()) + _field(2, float_tensor)
    return network + _field(_GRAPH, _field(_OUTPUT, info))


def _nodes(network: bytes) -> Iterator[tuple[str, list[str], list[str]]]:
    for number, graph in _fields(network):
        if number != _GRAPH:
            continue
        for inner, node in _fields(graph):
            if inner == _NODE:
                parts = list(_fields(node))
                yield (
                    next((bytes(value).decode() for field, value in parts if field == _OPERATOR), ""),
                    [bytes(value).decode() for field, value in parts if field == _INPUTS],
                    [bytes(value).decode() for field, value in parts if field == _OUTPUTS],
                )


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields that have a length; numbers are passed over."""
    view, place = memoryview(message), 0
    while place < len(view):
        key, place = _number(view, place)
        kind = key & 7
        if kind == 2:
            length, place = _number(view, place)
            yield key >> 3, view[place : place + length]
            place += length
        elif kind == 0:
            _, place = _number(view, place)
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            raise BadInput("the encoder's file is no ONNX model", "install Minsheng again")


def _number(view: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
