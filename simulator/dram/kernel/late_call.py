"""Calls of compiled code by its address, so that the caller is compiled without it.

Numba links what a function calls into it and into all its callers. Policies that few runs need would so lengthen the
compilation of everything; called by address they are compiled when a standard first asks for them.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic  # type: ignore[untyped-decorator]
def serve_at(
    _context: Any, address: Any, t: Any, m: Any, log: Any, done: Any, bus: Any, clk: Any, limit: Any, keep: Any
) -> Any:
    """Call the compiled `serve` function at ``address``: two integers, from these arguments."""
    arguments = (t, m, log, done, bus, clk, limit, keep)
    signature = types.UniTuple(types.int64, 2)(address, *arguments)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        convention = context.call_conv
        kind = convention.get_function_type(signature.return_type, signature.args[1:])
        function = builder.inttoptr(values[0], kind.as_pointer())
        _, result = convention.call_function(builder, function, signature.return_type, signature.args[1:], values[1:])
        return result

    return signature, code


def address_of(function: Any) -> int:
    """Where the code of a compiled function with one signature begins, in this process."""
    (compiled,) = function.overloads.values()
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
