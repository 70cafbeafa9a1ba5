"""For compiled kernels: ask for memory ahead of its use.

Loops that visit cells by priority jump about in tables far larger than the caches; asked for a few visits ahead, data are there in time.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTES = ir.IntType(8).as_pointer()
_I32 = ir.IntType(32)
_READ, _FAIRLY_LOCAL, _DATA = 0, 2, 1


def _prefetch(_typing_context: Any, array: Any, _index: Any) -> Any:
    """Type ``prefetch(array, index)`` and write its code."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), _BYTES)
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _I32, _I32, _I32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], kind)
        builder.call(function, [place, *(ir.Constant(_I32, flag) for flag in (_READ, _FAIRLY_LOCAL, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


prefetch: Any = intrinsic(_prefetch)
"""``prefetch(array, index)`` asks for the cache line of ``array[index]`` (one-dimensional, contiguous) and changes nothing."""
