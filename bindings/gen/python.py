"""Python: the functions of vdb._lib in C, and the enums, exceptions, options and records as Python sees them.

The C is compiled against vdb.h, so that the compiler compares every number, type and offset with it.
"""

from __future__ import annotations

from keyword import iskeyword
from pathlib import Path

from header import Arg, Enum, Field, Function, Model, Struct

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


# What numpy calls the types of memory; texts are bytes, handles numbers.
ARRAYS = {
    "void": "NPY_VOID", "char": "NPY_UINT8", "uint8_t": "NPY_UINT8", "uint32_t": "NPY_UINT32", "uint64_t": "NPY_UINT64",
    "size_t": "NPY_UINT64", "float": "NPY_FLOAT32", "double": "NPY_FLOAT64",
}

# What Py_BuildValue calls what C returns; char is a text that ends with a zero.
FORMATS = {"uint32_t": "I", "uint64_t": "K", "double": "d", "char": "z"}


def call_argument(model: Model, function: Function, at: int) -> tuple[str, str] | None:
    """How an argument of a function is taken, as the type and the expression of a variable; None for one that is not taken."""
    arg = function.args[at]
    of, base = arg.type, model.resolve(arg.type.base)
    stars = len(of.pointers)
    if base == "vdb_error_t" or is_result(model, arg) or arg.name.startswith("out_"):
        return None
    if base == "vdb_search_params_t":
        return of.c(), f"take_params(&t, &of_{arg.name})"
    if any(base == h.name for h in model.handles) and stars == 1:
        return of.c(), f'take_handle(&t, "{arg.name}")'
    if stars == 0:
        number = {
            "float": f'(float)take_float(&t, "{arg.name}")', "double": f'take_float(&t, "{arg.name}")',
            "int": f'take_int(&t, "{arg.name}")', "int32_t": f'take_int(&t, "{arg.name}")',
            "uint32_t": f'(uint32_t)take_whole(&t, UINT32_MAX, "{arg.name}")', "uint64_t": f'take_whole(&t, UINT64_MAX, "{arg.name}")',
            "size_t": f'(size_t)take_whole(&t, SIZE_MAX, "{arg.name}")'}
        return of.c(), number[base]
    if base == "char" and of.const and not has_length(function, at):
        return of.c(), "take_text(&t)"
    kind = "NPY_UINT64" if stars > 1 else ARRAYS[base]
    return of.c(), f"take_{'read' if of.const else 'written'}(&t, {kind})"


def has_length(function: Function, at: int) -> bool:
    """Whether the length of a text is an argument: a number, or offsets, behind it."""
    after = function.args[at + 1] if at + 1 < len(function.args) else None
    return after is not None and after.type.base in ("size_t", "uint64_t")


def is_result(model: Model, arg: Arg) -> bool:
    """Whether an argument is a record that the function fills."""
    return not arg.type.const and any(arg.type.base == s.name and is_record(s) for s in model.structs)


def call(model: Model, function: Function) -> str:
    """A function of Python that calls one of C: the handle or the record that it makes is returned, its error raised."""
    taken = [call_argument(model, function, at) for at in range(len(function.args))]
    out = next((a for a in function.args if a.name.startswith("out_")), None)
    record = next((a for a in function.args if is_result(model, a)), None)
    error = next((a for a in function.args if a.type.base == "vdb_error_t"), None)
    lines = [f'struct taken t = take("{function.name}", args, {sum(one is not None for one in taken)});']
    for arg, one in zip(function.args, taken):
        if arg is out:
            lines.append(f"{arg.type.base} *{arg.name} = NULL;")
        elif arg is record:
            lines.append(f"{arg.type.base} {arg.name} = {{0}};")
            lines.append(f"{arg.name}.struct_size = sizeof {arg.name};")
        elif arg is error:
            lines.append(f"vdb_error_t {arg.name} = VDB_ERROR_INIT;")
        elif one is not None:
            if "take_params" in one[1]:
                lines.append(f"vdb_search_params_t of_{arg.name} = VDB_SEARCH_PARAMS_INIT;")
            lines.append(f"{arg.type.c(arg.name)} = {one[1]};")
    names = ", ".join(f"&{a.name}" if a in (out, record, error) else a.name for a in function.args)
    returns = function.result.c() != "void"
    if returns:
        lines.append(f"{function.result.c('returned')};")
    lines += [
        "if (t.failed) return NULL;", "Py_BEGIN_ALLOW_THREADS",
        f"{'returned = ' if returns else ''}{function.name}({names});", "Py_END_ALLOW_THREADS"]
    told = f"&{error.name}" if error else "NULL"
    if out:
        lines.append(f"return returned < 0 ? of_status(returned, {told}) : PyLong_FromVoidPtr({out.name});")
    elif record:
        lines.append(f"return returned == VDB_OK ? {record_tuple(model, record)} : of_status(returned, {told});")
    elif not returns:
        lines.append("Py_RETURN_NONE;")
    elif function.result.base == "vdb_status_t":
        lines.append(f"return of_status(returned, {told});")
    else:
        lines.append(f'return Py_BuildValue("{FORMATS[model.resolve(function.result.base)]}", returned);')
    body = "".join(f"    {line}\n" for line in lines)
    return f"\nstatic PyObject *call_{function.name}(PyObject *Py_UNUSED(module), PyObject *args) {{\n{body}}}\n"


def record_tuple(model: Model, arg: Arg) -> str:
    """The fields of a record that was filled, as a tuple: all but its size."""
    fields = [f for f in model.struct(arg.type.base).fields if f.name != "struct_size"]
    values = ", ".join(f"{'(unsigned long long)' if f.type.base == 'uint64_t' else ''}{arg.name}.{f.name}" for f in fields)
    return f'Py_BuildValue("({"".join(FORMATS[model.resolve(f.type.base)] for f in fields)})", {values})'


def calls(model: Model) -> str:
    """The functions as Python calls them; not those that call back, for no code of Python runs inside a call."""
    functions = [f for f in model.functions if not any(a.type.function for a in f.args)]
    table = "".join(f'    {{"{f.name}", call_{f.name}, METH_VARARGS, "{signature(model, f)}"}}, \\\n' for f in functions)
    return f"/* {NOTE} */\n" + "".join(call(model, f) for f in functions) + f"\n#define CALLS \\\n{table}\n"


def signature(model: Model, function: Function) -> str:
    """The first lines of a help text, which inspect.signature reads."""
    taken = [arg.name for at, arg in enumerate(function.args) if call_argument(model, function, at) is not None]
    names = ", ".join(["$module", *(f"{name}_" if iskeyword(name) else name for name in taken), "/"])
    return f"{function.name}({names if taken else '$module, /'})\\n--\\n\\n{function.name} of vdb.h."


def tables(model: Model) -> str:
    """Parameters of a search and constants by name."""
    kinds = {"uint32_t": "U32", "uint64_t": "U64", "float": "F32"}
    rows = ""
    for field in model.struct("vdb_search_params_t").fields:
        if field.name not in ("struct_size", "flags"):
            kind = "HANDLE" if field.type.is_pointer else kinds[model.resolve(field.type.base)]
            kind = "SCALAR" if field.name == "query_scalar" else kind
            rows += f'    {{"{field.name}", {kind}, offsetof(vdb_search_params_t, {field.name})}},\n'
    for v in model.enum("vdb_search_flag").values:
        rows += f'    {{"{v.short.lower()}", FLAG, {v.name}}},\n'
    numbers = [(c.name, c.value) for c in model.constants if isinstance(c.value, int)]
    numbers += [(v.name, v.value) for e in model.enums for v in e.values]
    constants = "".join(f'    {{"{name}", (unsigned long long){name}, {int(value < 0)}}},\n' for name, value in numbers)
    return (
        f"/* {NOTE} */\n\nenum kind {{ U32, U64, F32, SCALAR, HANDLE, FLAG }};\n\n"
        f"static const struct parameter {{\n    const char *name;\n    enum kind kind;\n    size_t at; /* or the flag */\n}} PARAMETERS[] = {{\n{rows}}};\n\n"
        f"static const struct {{\n    const char *name;\n    unsigned long long bits;\n    int negative;\n}} CONSTANTS[] = {{\n{constants}}};\n")


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
        of = f'"{handles[field.type.base]}"' if field.type.is_pointer else field_type(model, field)
        rows.append((f"{field.name}: Optional[{of}]", field.doc))
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
        "bindings/python/native/calls.h": calls(model),
        "bindings/python/native/tables.h": tables(model),
        "bindings/python/vdb/_types.py": types(model),
        "bindings/python/vdb/errors.py": errors(model),
    }
