"""Python: what cffi compiles against, and the enums, exceptions, options and records as Python sees them.

cffi reads C without a preprocessor, so macros are given to it as constants. When the extension is
built the compiler compares every number, size and offset with vdb.h.
"""

from __future__ import annotations

from pathlib import Path

from header import Alias, Constant, Enum, Field, Function, Handle, Model, Struct

NOTE = "Made from include/vdb.h by bindings/gen/gen.py."

# Statuses that have a well-known exception of Python, which callers may catch as well.
ALSO = {
    "ERR_INVALID_ARGUMENT": "ValueError", "ERR_DIMENSION": "ValueError", "ERR_OUT_OF_RANGE": "ValueError",
    "ERR_NOT_FINITE": "ValueError", "ERR_FILTER_SYNTAX": "ValueError", "ERR_NOT_FOUND": "FileNotFoundError",
    "ERR_IO": "OSError", "ERR_NO_SPACE": "OSError", "ERR_NO_MEMORY": "MemoryError", "ERR_DEADLINE": "TimeoutError",
}


def class_name(name: str) -> str:
    """vdb_search_flag -> SearchFlag, vdb_stats_t -> Stats."""
    return "".join(word.capitalize() for word in name.removesuffix("_t").split("_")[1:])


def error_name(short: str) -> str:
    """ERR_NOT_FINITE -> NotFiniteError."""
    return "".join(word.capitalize() for word in short.split("_")[1:]) + "Error"


def declaration(item: object) -> str:
    """One declaration for cffi, or "" where it has none."""
    match item:
        case Constant(name=name, value=int()):
            return f"#define {name} ...\n"
        case Enum(name=name, values=values):
            rows = "".join(f"  {v.name} = {v.value},\n" for v in values)
            return f"typedef enum {name} {{\n{rows}}} {name};\n"
        case Handle(name=name):
            return f"typedef struct {name} {name};\n"
        case Alias(name=name, type=of):
            return f"typedef {of.c(name)};\n"
        case Struct(name=name, fields=fields):
            rows = "".join(
                f"  {f.type.c(f.name)}{'' if f.length is None else f'[{f.length}]'};\n" for f in fields)
            return f"typedef struct {name} {{\n{rows}}} {name};\n"
        case Function(name=name, result=result, args=args):
            text = ", ".join(a.type.c(a.name) for a in args) or "void"
            return f"{result.c(name)}({text});\n"
    return ""


def cdef(model: Model) -> str:
    return f"/* {NOTE} */\n" + "".join(declaration(item) for item in model.order)


def comment(doc: str) -> str:
    return "".join(f"    # {line}".rstrip() + "\n" for line in doc.split("\n")) if doc else ""


def docstring(doc: str) -> str:
    """A docstring of the lines of a comment; a backslash stays a backslash."""
    first, *rest = doc.replace("\\", "\\\\").split("\n")
    if not rest:
        return f'    """{first}"""\n'
    return f'    """{first}\n' + "".join(f"    {line}".rstrip() + "\n" for line in rest) + '    """\n'


def members(rows: list[tuple[str, str]]) -> str:
    """The body of a class: lines, each with its comment and an empty line before it."""
    return "".join(f"\n{comment(doc)}    {line}\n" for line, doc in rows)


def enum_class(enum: Enum) -> str:
    kind = "IntFlag" if enum.name.endswith("_flag") else "IntEnum"
    rows = members([(f"{v.short} = {v.value}", v.doc) for v in enum.values])
    return f"\n\nclass {class_name(enum.name)}(enum.{kind}):\n{docstring(enum.doc)}{rows}"


def options_class(enum: Enum) -> str:
    """The keywords of `vdb.open`, one for each option."""
    rows = members([(f"{v.short.lower()}: OptionValue", v.doc) for v in enum.values])
    return (
        "\n\nOptionValue = Union[int, float, str, bool]\n\n\nclass Options(TypedDict, total=False):\n"
        '    """Options of a database, the keywords of `vdb.open`. Enums by name (metric="cosine") or number."""\n'
        f"{rows}")


def is_record(struct: Struct) -> bool:
    """A struct that comes out whole: numbers and texts, nothing that the caller passes in."""
    return all(f.length is None and (not f.type.is_pointer or f.type.base == "char") for f in struct.fields)


def field_type(model: Model, field: Field) -> str:
    if field.type.is_pointer:
        return "Optional[str]" if "NULL" in field.doc else "str"
    return "float" if model.resolve(field.type.base) in ("float", "double") else "int"


def record_class(model: Model, struct: Struct) -> str:
    # A tuple has methods of these names, which a field hides.
    hides = {"count": "  # type: ignore[assignment]", "index": "  # type: ignore[assignment]"}
    rows = members([
        (f"{f.name}: {field_type(model, f)}{hides.get(f.name, '')}", f.doc) for f in struct.fields if f.name != "struct_size"])
    return f"\n\nclass {class_name(struct.name)}(NamedTuple):\n{docstring(struct.doc)}{rows}"


def params_class(model: Model) -> str:
    """The keywords of a search: fields of vdb_search_params_t, and a switch for each flag."""
    handles = {h.name: class_name(h.name) for h in model.handles}
    rows = []
    for field in model.struct("vdb_search_params_t").fields:
        if field.name in ("struct_size", "query_scalar", "flags"):
            continue
        of = f'Optional["{handles[field.type.base]}"]' if field.type.is_pointer else field_type(model, field)
        rows.append((f"{field.name}: {of}", field.doc))
    rows += [(f"{v.short.lower()}: bool", v.doc) for v in model.enum("vdb_search_flag").values]
    return f'\n\nclass SearchParams(TypedDict, total=False):\n    """How a search runs, the keywords of a search."""\n{members(rows)}'


def types(model: Model) -> str:
    used = sorted({class_name(f.type.base) for f in model.struct("vdb_search_params_t").fields if f.type.is_pointer})
    imports = "".join(f"    from .handles import {name}\n" for name in used)
    return (
        f'"""The enums, options and records of the library. {NOTE}"""\n\n'
        "from __future__ import annotations\n\nimport enum\n"
        "from typing import TYPE_CHECKING, NamedTuple, Optional, TypedDict, Union\n\n"
        f"if TYPE_CHECKING:\n{imports}"
        + "".join(map(enum_class, model.enums))
        + options_class(model.enum("vdb_option"))
        + params_class(model)
        + "".join(record_class(model, s) for s in model.structs if is_record(s)))


def errors(model: Model) -> str:
    failures = [v for v in model.enum("vdb_status").values if v.value < 0]
    classes = ""
    for v in failures:
        also = f", {ALSO[v.short]}" if v.short in ALSO else ""
        classes += f"\n\nclass {error_name(v.short)}(Error{also}):\n{docstring(v.doc)}"
    names = "".join(f'    "{error_name(v.short)}",\n' for v in failures)
    table = "".join(f"    {v.value}: {error_name(v.short)},\n" for v in failures)
    return (
        f'"""An exception class for each status that is an error. {NOTE}"""\n\n'
        f"from ._error import Error\n\n__all__ = [\n{names}]\n{classes}\n\nBY_STATUS: dict[int, type[Error]] = {{\n{table}}}\n")


def emit(model: Model, root: Path) -> dict[str, str]:
    return {
        "bindings/python/native/cdef.h": cdef(model),
        "bindings/python/vdb/_types.py": types(model),
        "bindings/python/vdb/errors.py": errors(model),
    }
