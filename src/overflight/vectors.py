"""For compiled kernels: LLVM's own vectors as wide as the processor's."""

from numba import types
from numba.extending import intrinsic


@intrinsic
def prefer_wide_vectors(_typing_context):
    """Let LLVM use 512-bit vectors in the calling function where the processor has them; by default it stops at 256."""

    def generate(context, builder, _signature, _arguments):
        attributes = builder.function.attributes
        # llvmlite's own ``add`` knows only attributes without a value. Where it keeps them otherwise, kernels are right but slower.
        if isinstance(attributes, set):
            set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate
