"""Node: the prototypes, layouts, enums and options of the library as TypeScript.

Names of functions stay those of C, so that a reader finds them in vdb.h; everything that a user sees
is in camelCase. What a pointer is for is decided here: a handle is a bigint, a text that ends with
NUL is a string, all other pointers are memory.
"""

from __future__ import annotations

import re
from pathlib import Path

from header import Arg, Enum, Function, Model, Struct, Type, is_text

MADE = "// Made from include/vdb.h by bindings/gen/gen.py.\n"
SIZES = {
    "uint8_t": ("u8", 1), "char": ("u8", 1), "uint32_t": ("u32", 4), "int32_t": ("i32", 4), "int": ("i32", 4),
    "uint64_t": ("u64", 8), "size_t": ("u64", 8), "float": ("f32", 4), "double": ("f64", 8),
}
KOFFI = {
    "uint8_t": "uint8_t", "uint32_t": "uint32_t", "int32_t": "int32_t", "uint64_t": "uint64_t", "size_t": "size_t",
    "int": "int", "float": "float", "double": "double", "void": "void",
}


def camel(name: str) -> str:
    """EF_CONSTRUCTION -> efConstruction."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def type_name(c_name: str) -> str:
    """vdb_check_level -> CheckLevel."""
    return "".join(word.capitalize() for word in c_name.removeprefix("vdb_").removesuffix("_t").split("_"))


class Node:
    def __init__(self, model: Model):
        self.model = model
        self.handles = {h.name for h in model.handles}
        self.functions = [f for f in model.functions if not any(a.type.function for a in f.args)]

    def doc(self, text: str, indent: str = "") -> str:
        if not text:
            return ""
        text = text.replace("*/", "* /")
        if "\n" not in text:
            return f"{indent}/** {text} */\n"
        lines = "".join(f"{indent} * {line}".rstrip() + "\n" for line in text.split("\n"))
        return f"{indent}/**\n{lines}{indent} */\n"

    # ---- arguments

    def kind(self, function: Function, at: int) -> str:
        """What an argument is: handle, text, memory, memory that is only read, or the type of a number."""
        of = function.args[at].type
        if not of.is_pointer:
            return self.model.resolve(of.base)
        if of.base in self.handles and len(of.pointers) == 1:
            return "handle"
        if of.base == "char" and of.const and not self.has_length(function.args, at):
            return "text"
        return "read" if of.const else "memory"

    @staticmethod
    def has_length(args: tuple[Arg, ...], at: int) -> bool:
        """Whether a text is followed by its length or the places where its parts begin."""
        following = args[at + 1].name if at + 1 < len(args) else ""
        return following == "len" or following.endswith("_len") or following.endswith("_offsets")

    def result(self, of: Type) -> str:
        return "text" if of.is_pointer else self.model.resolve(of.base)

    def prototypes(self) -> str:
        koffi = {**KOFFI, "handle": "void *", "memory": "void *", "read": "const void *", "text": "str"}
        rows = []
        for f in self.functions:
            kinds = ", ".join(f"'{koffi[self.kind(f, i)]}'" for i in range(len(f.args)))
            rows.append(f"  {f.name}: ['{koffi[self.result(f.result)]}', [{kinds}]],\n")
        return (
            "\n/** Result and arguments of each function, in the words of Koffi. */\n"
            "export const prototypes = {\n" + "".join(rows) + "} as const;\n")

    def functions_type(self) -> str:
        script = {"handle": "Handle", "memory": "Memory", "read": "Memory", "text": "string | null",
                  "uint64_t": "number | bigint", "void": "void"}
        rows = []
        for f in self.functions:
            args = ", ".join(
                f"{camel(a.name)}: {script.get(self.kind(f, i), 'number')}" for i, a in enumerate(f.args))
            back = "string" if f.result.is_pointer else script.get(self.result(f.result), "number")
            rows.append(f"  {f.name}(this: void, {args}): {back};\n".replace("void, )", "void)"))
        return (
            "\n/** A handle is a number that the library checks; null where none is needed. */\n"
            "export type Handle = bigint | null;\n"
            "/** Memory that a call reads or writes; null where none is needed. */\n"
            "export type Memory = ArrayBufferView | null;\n"
            "\n/** The functions of the library. A status is returned; the error record is the last argument. */\n"
            "export interface Functions {\n" + "".join(rows) + "}\n")

    # ---- structs

    def layout(self, struct: Struct) -> str:
        at, widest, rows = 0, 1, []
        for f in struct.fields:
            name, size = ("u64", 8) if f.type.is_pointer else SIZES[self.model.resolve(f.type.base)]
            at = -(-at // size) * size
            widest = max(widest, size)
            kind = name if f.length is None else f"{name}[{f.length}]"
            rows.append(f"    {camel(f.name)}: [{at}, '{kind}'],\n")
            at += size * (f.length or 1)
        size = -(-at // widest) * widest
        return f"  {type_name(struct.name)}: {{\n    size: {size},\n    fields: {{\n" + "".join(
            f"  {row}" for row in rows) + "    },\n  },\n"

    def layouts(self) -> str:
        return (
            "\n/** Size of each struct, and where its fields begin. */\nexport const layouts = {\n"
            + "".join(map(self.layout, self.model.structs)) + "} as const;\n")

    def stats(self, struct: Struct) -> str:
        rows = []
        for f in struct.fields:
            if f.name in ("struct_size", "reserved"):
                continue
            maybe = " | null" if "UINT64_MAX" in f.doc else ""
            enum = re.search(r"one of `enum (\w+)`", f.doc)
            kind = type_name(enum[1]) if enum else "number"
            doc = f.doc.replace("UINT64_MAX", "null")
            rows.append(f"{self.doc(doc, '  ')}  {camel(f.name)}: {kind}{maybe};\n")
        return f"\n{self.doc(struct.doc)}export interface {type_name(struct.name)} {{\n{''.join(rows)}}}\n"

    # ---- enums

    def enum(self, enum: Enum) -> str:
        # The library reads the names of the others as texts, in options.
        named = camel if enum.name == "vdb_call" else str.lower
        rows = "".join(f"{self.doc(v.doc, '  ')}  {named(v.short)}: {v.value},\n" for v in enum.values)
        name = type_name(enum.name)
        return (
            f"\n{self.doc(enum.doc)}export const {camel(enum.name.removeprefix('vdb_'))} = {{\n{rows}}} as const;\n"
            f"export type {name} = keyof typeof {camel(enum.name.removeprefix('vdb_'))};\n")

    def statuses(self, enum: Enum) -> str:
        rows = "".join(f"{self.doc(v.doc, '  ')}  {v.name}: {v.value},\n" for v in enum.values)
        return (
            f"\n{self.doc(enum.doc)}export const status = {{\n{rows}}} as const;\n"
            "/** The name of an error. */\nexport type ErrorCode = Extract<keyof typeof status, `VDB_ERR_${string}`>;\n")

    @staticmethod
    def option_type(option) -> str:
        if is_text(option):
            return "string"
        return "boolean | 0 | 1 | 'on' | 'off'" if option.doc.startswith("1 = ") else "number | bigint | string"

    def options(self, enum: Enum) -> str:
        kinds = {v.short: self.option_type(v) for v in enum.values}
        for other in self.model.enums:
            short = other.name.removeprefix("vdb_").upper()
            if short in kinds:
                kinds[short] = f"{type_name(other.name)} | number"
        rows = "".join(f"{self.doc(v.doc, '  ')}  {camel(v.short)}?: {kinds[v.short]} | undefined;\n" for v in enum.values)
        numbers = "".join(f"  {camel(v.short)}: {v.value},\n" for v in enum.values)
        return (
            f"\n{self.doc(enum.doc)}export interface Options {{\n{rows}"
            "  /** By the name that configuration files have, e.g. 'hnsw.m'. */\n"
            "  [name: `${string}.${string}`]: number | bigint | boolean | string | undefined;\n}\n"
            "\n/** The number of each option. */\nexport const optionNumbers = {\n" + numbers + "} as const;\n")

    def constants(self) -> str:
        rows = []
        for c in self.model.constants:
            if isinstance(c.value, int):
                value = f"0x{c.value:x}n" if c.value > 2**53 else str(c.value)
                rows.append(f"{self.doc(c.doc)}export const {c.name.removeprefix('VDB_')} = {value};\n")
        return "\n" + "".join(rows)

    def emit(self) -> str:
        text = MADE + self.constants()
        for enum in self.model.enums:
            if enum.name == "vdb_status":
                text += self.statuses(enum)
            elif enum.name == "vdb_option":
                text += self.options(enum)
            else:
                text += self.enum(enum)
        for struct in self.model.structs:
            if struct.name in ("vdb_stats_t", "vdb_latency_t"):
                text += self.stats(struct)
        return text + self.layouts() + self.functions_type() + self.prototypes()


def emit(model: Model, root: Path) -> dict[str, str]:
    return {"bindings/node/src/generated.ts": Node(model).emit()}
