"""Rows: what belongs to one satellite (or one link) in eight consecutive slots, side by side in a flat array, a vector register full.

The compiler cannot know that two rows of one array do not overlap, so it would work on their values one by one. The operations here are
written on LLVM's vector types instead; LLVM turns them into whatever the machine has, in the same bits everywhere.
"""
# ruff: noqa: ARG001 - an intrinsic's arguments are types; most are only handed on through the signature

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
"""Slots in a row."""

QUAD = 4
"""Neighbours that one operation looks at."""

_F64, _I32, _I64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
_BITS = ir.IntType(LANES)
_ROW_F64, _ROW_I32 = ir.VectorType(_F64, LANES), ir.VectorType(_I32, LANES)
_INFINITE = ir.Constant(_ROW_F64, [math.inf] * LANES)


class _Row:
    """A row in registers, so that formulas for rows read like formulas."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: "_Row") -> "_Row":
        return _Row(self.builder, self.builder.fadd(self.value, other.value))

    def __sub__(self, other: "_Row") -> "_Row":
        return _Row(self.builder, self.builder.fsub(self.value, other.value))

    def __mul__(self, other: "_Row") -> "_Row":
        return _Row(self.builder, self.builder.fmul(self.value, other.value))

    def __and__(self, other: "_Row") -> "_Row":
        return _Row(self.builder, self.builder.and_(self.value, other.value))

    def __invert__(self) -> "_Row":
        return _Row(self.builder, self.builder.not_(self.value))

    def __lt__(self, other: "_Row") -> "_Row":
        return _Row(self.builder, self.builder.fcmp_ordered("<", self.value, other.value))

    def __le__(self, other: "_Row") -> "_Row":
        return _Row(self.builder, self.builder.fcmp_ordered("<=", self.value, other.value))

    def root(self) -> "_Row":
        """Square roots."""
        kind = ir.FunctionType(_ROW_F64, [_ROW_F64])
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.sqrt.v{LANES}f64")  # type: ignore[no-untyped-call]
        return _Row(self.builder, self.builder.call(function, [self.value]))

    def where(self, condition: "_Row", other: "_Row") -> "_Row":
        """These values where the condition holds, the other's elsewhere."""
        return _Row(self.builder, self.builder.select(condition.value, self.value, other.value))

    def minimum(self, other: "_Row") -> "_Row":
        """The lesser of both."""
        return self.where(self < other, other)

    def any(self) -> Any:
        """Whether a row of conditions holds anywhere: one bit."""
        return self.builder.icmp_unsigned("!=", self.builder.bitcast(self.value, _BITS), _BITS(0))


def _data(context: Any, builder: Any, signature: Any, arguments: Any, place: int) -> Any:
    return context.make_array(signature.args[place])(context, builder, arguments[place]).data


def _pointer(builder: Any, data: Any, row: Any, row_type: Any = _ROW_F64) -> Any:
    return builder.bitcast(builder.gep(data, [builder.mul(row, _I64(LANES))]), ir.PointerType(row_type))


def _load(builder: Any, data: Any, row: Any) -> _Row:
    return _Row(builder, builder.load(_pointer(builder, data, row), align=8))


def _store(builder: Any, row: _Row, data: Any, place: Any) -> None:
    builder.store(row.value, _pointer(builder, data, place), align=8)


def _splat(builder: Any, value: Any, row_type: Any = _ROW_F64) -> Any:
    undefined = ir.Constant(row_type, ir.Undefined)
    first = builder.insert_element(undefined, value, _I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_ROW_I32, [0] * LANES))


def _constants(builder: Any, values: Any) -> list[_Row]:
    return [_Row(builder, _splat(builder, value)) for value in values]


def _point(context: Any, builder: Any, signature: Any, arguments: Any, row: Any) -> list[_Row]:
    """Load the three coordinates of a satellite, whose arrays are the first three arguments."""
    return [_load(builder, _data(context, builder, signature, arguments, axis), row) for axis in range(3)]


def _load_quad(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, list[Any], list[_Row], list[_Row]]:
    """Load the four neighbours of a quad: where delays are, the neighbours' numbers, their delays, and the weights of the links to them."""
    delay, neighbour, link, weight = (_data(context, builder, signature, arguments, place) for place in (0, 2, 3, 4))
    first = builder.mul(arguments[5], _I64(QUAD))
    numbers, rows, weights = [], [], []
    for side in range(QUAD):
        place = builder.add(first, _I64(side))
        number = builder.load(builder.gep(neighbour, [place]), align=4)
        line = builder.load(builder.gep(link, [place]), align=4)
        numbers.append(number)
        rows.append(_load(builder, delay, builder.sext(number, _I64)))
        weights.append(_load(builder, weight, builder.sext(line, _I64)))
    return delay, numbers, rows, weights


@intrinsic
def relax_row(typing_context: Any, delay: Any, satellite: Any, neighbour: Any, link: Any, weight: Any, quad: Any) -> Any:
    """Lower the row of a satellite to what its four neighbours offer; bit e of the answer: neighbour e could now be lowered."""
    signature = types.int32(delay, types.int64, neighbour, link, weight, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, _, rows, weights = _load_quad(context, builder, signature, arguments)
        offers = [row + line for row, line in zip(rows, weights, strict=True)]
        # The own row joins early: were it the last, LLVM would make the store a masked one, which a load of the same row has to wait for.
        own = offers[0].minimum(_load(builder, data, arguments[1]))
        least = own.minimum(offers[1].minimum(offers[2]).minimum(offers[3]))
        _store(builder, least, data, arguments[1])
        answer = _I32(0)
        for side in range(QUAD):
            some = (least + weights[side] < rows[side]).any()
            answer = builder.or_(answer, builder.shl(builder.zext(some, _I32), _I32(side)))
        return answer

    return signature, generate


@intrinsic
def choose_row(typing_context: Any, delay: Any, satellite: Any, neighbour: Any, link: Any, weight: Any, quad: Any, next_hop: Any) -> Any:
    """Write into the next-hop row which of the four neighbours (the first, in a tie) gave the satellite its delay."""
    signature = types.void(delay, types.int64, neighbour, link, weight, types.int64, next_hop)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, numbers, rows, weights = _load_quad(context, builder, signature, arguments)
        own = _load(builder, data, arguments[1])
        pointer = _pointer(builder, _data(context, builder, signature, arguments, 6), arguments[1], _ROW_I32)
        chosen = builder.load(pointer, align=4)
        finite = own < _Row(builder, _INFINITE)
        for side in reversed(range(QUAD)):
            gives = (rows[side] + weights[side] <= own) & finite
            chosen = builder.select(gives.value, _splat(builder, numbers[side], _ROW_I32), chosen)
        builder.store(chosen, pointer, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def offer_row(typing_context: Any, best: Any, row: Any, part: Any, part_row: Any, rest: Any, rest_row: Any, label: Any, name: Any) -> Any:
    """Lower a row to the sum of two other rows, and write `name` into the row of labels wherever that lowered it."""
    signature = types.void(best, types.int64, part, types.int64, rest, types.int64, label, types.int32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        best, part, rest, label = (_data(context, builder, signature, arguments, place) for place in (0, 2, 4, 6))
        pointer = _pointer(builder, label, arguments[1], _ROW_I32)
        old, labels = _load(builder, best, arguments[1]), builder.load(pointer, align=4)
        offered = _load(builder, part, arguments[3]) + _load(builder, rest, arguments[5])
        lower = offered < old
        _store(builder, offered.where(lower, old), best, arguments[1])
        builder.store(builder.select(lower.value, _splat(builder, arguments[7], _ROW_I32), labels), pointer, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def weigh_row(
    typing_context: Any, x_km: Any, y_km: Any, z_km: Any, end_a: Any, end_b: Any, limits: Any, scale: Any, weight: Any, link: Any
) -> Any:
    """Write the row of a link, ``length * per_km + per_link``, infinite where it cannot carry.

    `limits` is (axis ratio, square of the radius to clear, longest), `scale` is (per_km, per_link).
    """
    three, two = types.UniTuple(types.float64, 3), types.UniTuple(types.float64, 2)  # type: ignore[no-untyped-call]
    signature = types.void(x_km, y_km, z_km, types.int64, types.int64, three, two, weight, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start, end = (_point(context, builder, signature, arguments, arguments[place]) for place in (3, 4))
        flatten, clear2, longest = _constants(builder, [builder.extract_value(arguments[5], i) for i in range(3)])
        per_km, per_link = _constants(builder, [builder.extract_value(arguments[6], i) for i in range(2)])
        zero, least = _constants(builder, [_F64(0.0), _F64(1e-6)])
        dx, dy, dz = (to - at for to, at in zip(end, start, strict=True))
        length = (dx * dx + dy * dy + dz * dz).root()
        x, y, z, dz = start[0], start[1], start[2] * flatten, dz * flatten
        square = dx * dx + dy * dy + dz * dz
        along = x * dx + y * dy + z * dz
        behind = (x * x + y * y + z * z - clear2) * square < along * along
        blocked = (along < zero) & (zero < along + square) & behind
        # A millimetre apart: one satellite listed twice, not a link.
        carries = (length <= longest) & (least < length) & ~blocked
        row = (length * per_km + per_link).where(carries, _Row(builder, _INFINITE))
        _store(builder, row, _data(context, builder, signature, arguments, 7), arguments[8])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def slant_row(
    typing_context: Any, x_km: Any, y_km: Any, z_km: Any, satellite: Any, site: Any, up: Any, limits: Any, slant: Any, row: Any
) -> Any:
    """Write the row of a satellite seen from a site, slant range times a factor, infinite out of reach; answer whether it ever is in reach.

    `limits` is (sine of the mask, longest range, factor).
    """
    three = types.UniTuple(types.float64, 3)  # type: ignore[no-untyped-call]
    signature = types.boolean(x_km, y_km, z_km, types.int64, three, three, three, slant, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        here, up, limits = (_constants(builder, [builder.extract_value(arguments[place], i) for i in range(3)]) for place in (4, 5, 6))
        there = _point(context, builder, signature, arguments, arguments[3])
        dx, dy, dz = (to - at for to, at in zip(there, here, strict=True))
        length = (dx * dx + dy * dy + dz * dz).root()
        in_reach = (limits[0] * length <= up[0] * dx + up[1] * dy + up[2] * dz) & (length <= limits[1])
        row = (length * limits[2]).where(in_reach, _Row(builder, _INFINITE))
        _store(builder, row, _data(context, builder, signature, arguments, 7), arguments[8])
        return in_reach.any()

    return signature, generate
