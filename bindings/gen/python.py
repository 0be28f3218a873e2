"""Python: the declarations that cffi compiles against, and the enums and options as Python sees them.

cffi reads C without a preprocessor, so macros are given to it as constants. When the extension is
built the compiler compares every number, size and offset with vdb.h.
"""

from __future__ import annotations

from pathlib import Path

from header import Alias, Constant, Enum, Function, Handle, Model, Struct

FLAGS = "_flag"  # the end of the name of an enum whose values are bits


def class_name(enum: str) -> str:
    """vdb_search_flag -> SearchFlag."""
    return "".join(word.capitalize() for word in enum.split("_")[1:])


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
    return "/* Made from include/vdb.h by bindings/gen/gen.py. */\n" + "".join(
        declaration(item) for item in model.order)


def comment(doc: str, indent: str) -> str:
    return "".join(f"{indent}# {line}".rstrip() + "\n" for line in doc.split("\n")) if doc else ""


def docstring(doc: str, indent: str) -> str:
    """A docstring of its own lines; a backslash stays a backslash."""
    text = doc.replace("\\", "\\\\")
    if "\n" not in text:
        return f'{indent}"""{text}"""\n'
    lines = text.split("\n")
    rest = "".join(f"{indent}{line}".rstrip() + "\n" for line in lines[1:])
    return f'{indent}"""{lines[0]}\n{rest}{indent}"""\n'


def enum_class(enum: Enum) -> str:
    kind = "IntFlag" if enum.name.endswith(FLAGS) else "IntEnum"
    rows = "".join(f"\n{comment(v.doc, '    ')}    {v.short} = {v.value}\n" for v in enum.values)
    return f"\n\nclass {class_name(enum.name)}(enum.{kind}):\n{docstring(enum.doc, '    ')}{rows}"


def options_class(enum: Enum) -> str:
    """The keywords of `vdb.open`, one for each option."""
    rows = "".join(
        f"\n{comment(v.doc, '    ')}    {v.short.lower()}: OptionValue\n" for v in enum.values)
    return (
        "\n\nOptionValue = Union[int, float, str, bool]\n\n\n"
        "class Options(TypedDict, total=False):\n"
        '    """Options of a database, the keywords of `vdb.open`. An enum takes its name, e.g. metric="cosine"."""\n'
        f"{rows}")


def enums(model: Model) -> str:
    head = (
        '"""The enums and options of the library. Made from include/vdb.h by bindings/gen/gen.py."""\n\n'
        "from __future__ import annotations\n\nimport enum\nfrom typing import TypedDict, Union\n")
    return head + "".join(map(enum_class, model.enums)) + options_class(model.enum("vdb_option"))


def emit(model: Model, root: Path) -> dict[str, str]:
    return {
        "bindings/python/native/cdef.h": cdef(model),
        "bindings/python/vdb/_enums.py": enums(model),
    }
