#!/usr/bin/env python3
"""Prints a C file that defines every function of a vdb.h, with bodies that do nothing.

    definitions.py HEADER

Compiled with debug information, it is a library with the whole binary interface of the header and nothing else: what abidw writes
of it does not depend on the Rust compiler, and takes a second where a build of the library takes minutes. Functions take enums
as numbers, and macros are in no debug information, so both are made reachable: each enum by a function that takes it, the macros
that are numbers as one more enum. The version is left out: a release does not change the interface.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "gen"))
import header  # noqa: E402


def definition(function: header.Function) -> str:
    args = ", ".join(arg.type.c(arg.name) for arg in function.args) or "void"
    return f"{function.result.c(function.name)}({args}) {{ __builtin_trap(); }}\n"


def macros(model: header.Model) -> str:
    """An enum of the macros; the type of an enumerator is that of its value, 64 bits where it needs them."""
    numbers = [c.name for c in model.constants if isinstance(c.value, int) and not c.name.startswith("VDB_VERSION_")]
    return "typedef enum vdb_macros {\n" + "".join(f"  the_{name} = {name},\n" for name in numbers) + "} vdb_macros;\n"


def main() -> None:
    model = header.parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
    enums = [enum.name for enum in model.enums] + ["vdb_macros"]
    sys.stdout.write("#include <vdb.h>\n" + "".join(map(definition, model.functions)) + macros(model))
    sys.stdout.writelines(f"void the_{name}({name} value) {{ (void)value; }}\n" for name in enums)


if __name__ == "__main__":
    main()
