"""Swift: constants, statuses, options, enums and the structs of numbers, in Swift's names.

The functions themselves need nothing: Swift imports vdb.h (Sources/CVDB). Statuses and options are structs that hold any
number, since a newer library may have more of them; the values of other enums are what a caller passes.
"""

from __future__ import annotations

import re
from pathlib import Path

from header import Enum, Model, Struct

MADE = "// Made from include/vdb.h by bindings/gen/gen.py.\n\nimport CVDB\n"
OPEN = ("vdb_status", "vdb_option")
NUMBERS = ("vdb_stats_t", "vdb_latency_t")
# Words of the language, which stand in backquotes as names.
KEYWORDS = {"as", "case", "default", "enum", "import", "in", "internal", "is", "none", "private", "public", "repeat", "static", "where"}
CAPITALS = {"ids": "IDs"}
RENAMED = {"vdb_error_t": "VDBError"}


def camel(name: str) -> str:
    """EF_CONSTRUCTION -> efConstruction."""
    first, *rest = name.lower().split("_")
    return first + "".join(CAPITALS.get(word, word.capitalize()) for word in rest)


def type_name(c_name: str) -> str:
    """vdb_check_level -> CheckLevel, vdb_stats_t -> Stats; flags are sets, and named so: SearchFlags."""
    name = "".join(word.capitalize() for word in c_name.removeprefix("vdb_").removesuffix("_t").split("_"))
    return name + "s" if name.endswith("Flag") else name


def value_name(enum: Enum, short: str) -> str:
    return camel(short.removeprefix("ERR_") if enum.name == "vdb_status" else short)


def member(struct: str, field: str | None) -> str:
    """vdb_stats_t -> Stats, vdb_search_params_t.target_recall -> SearchParams.targetRecall."""
    return RENAMED.get(struct, type_name(struct)) + (f".{camel(field)}" if field else "")


def escaped(name: str) -> str:
    return f"`{name}`" if name in KEYWORDS else name


class Swift:
    def __init__(self, model: Model):
        self.model = model
        self.names = {c.name: f"Database.{camel(c.name.removeprefix('VDB_'))}" for c in model.constants}
        for enum in model.enums:
            for v in enum.values:
                self.names[v.name] = f"{type_name(enum.name)}.{value_name(enum, v.short)}"
        self.fields = {f.name for struct in model.structs for f in struct.fields}

    def short(self, text: str) -> str:
        """A comment with the short names of values as Swift has them: those of the enum that it names, or after "default" of any."""
        named = re.findall(r"\benum (vdb_\w+)", text)

        def value(m: re.Match[str]) -> str:
            owners = [e for e in self.model.enums if (not named or e.name in named) and any(v.short == m.group() for v in e.values)]
            return f".{value_name(owners[0], m.group())}" if len(owners) == 1 else m.group()

        return re.sub(r"\b[A-Z]\w+" if named else r"(?<=\bdefault )[A-Z]\w+", value, text)

    def doc(self, text: str, indent: str = "") -> str:
        """A comment of C in the names of Swift."""
        text = re.sub(r"\bVDB_\w+", lambda m: self.names.get(m.group(), m.group()), text)
        text = self.short(text)
        text = re.sub(r"\b(vdb_\w+_t)\b(?:\.(\w+))?", lambda m: member(*m.groups()), text)
        text = re.sub(r"`(\w+)`", lambda m: f"`{camel(m.group(1))}`" if m.group(1) in self.fields else m.group(), text)
        text = re.sub(r"`?\benum (vdb_\w+)`?", lambda m: f"``{type_name(m.group(1))}``", text)
        return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in text.split("\n")) if text else ""

    # ---- enums

    def values(self, enum: Enum, line: str) -> str:
        """A line for each value, with {name} and {value}."""
        return "".join(
            self.doc(v.doc, "    ") + "    " + line.format(name=escaped(value_name(enum, v.short)), value=v.value) + "\n"
            for v in enum.values)

    def closed(self, enum: Enum) -> str:
        rows = self.values(enum, "case {name} = {value}")
        return f"public enum {type_name(enum.name)}: UInt32, CaseIterable, Sendable {{\n{rows}}}\n"

    def open(self, enum: Enum) -> str:
        name, number = type_name(enum.name), "Int32" if enum.name == "vdb_status" else "UInt32"
        rows = self.values(enum, f"public static let {{name}} = {name}(rawValue: {{value}})")
        return (
            f"public struct {name}: RawRepresentable, Hashable, Sendable {{\n"
            f"    public let rawValue: {number}\n    public init(rawValue: {number}) {{ self.rawValue = rawValue }}\n\n"
            f"{rows}}}\n")

    def flags(self, enum: Enum) -> str:
        name = type_name(enum.name)
        rows = self.values(enum, f"public static let {{name}} = {name}(rawValue: {{value}})")
        return (
            f"public struct {name}: OptionSet, Sendable {{\n"
            f"    public let rawValue: UInt32\n    public init(rawValue: UInt32) {{ self.rawValue = rawValue }}\n\n{rows}}}\n")

    def enum(self, enum: Enum) -> str:
        if enum.name in OPEN:
            body = self.open(enum)
        else:
            body = self.flags(enum) if enum.name.endswith("_flag") else self.closed(enum)
        return "\n" + self.doc(enum.doc) + body

    # ---- constants and structs

    def constants(self) -> str:
        rows = []
        for c in self.model.constants:
            if not isinstance(c.value, int):
                continue
            kind, value = ("UInt64", ".max") if c.value == 2**64 - 1 else ("Int", str(c.value))
            rows.append(f"{self.doc(c.doc, '    ')}    public static let {camel(c.name.removeprefix('VDB_'))}: {kind} = {value}\n")
        return "\nextension Database {\n" + "".join(rows) + "}\n"

    def struct(self, struct: Struct) -> str:
        """Numbers as Int, which all of them fit, or as the enum that they are of; nil where the header has UINT64_MAX for what is not
        known, and for a value that only a newer library knows."""
        members, copies = [], []
        for f in struct.fields:
            if f.name in ("struct_size", "reserved"):
                continue
            name, maybe = escaped(camel(f.name)), "UINT64_MAX" in f.doc
            kind, copy = "Int", f"Int(clamping: c.{f.name})"
            if owner := re.search(r"one of `enum (vdb_\w+)`", f.doc):
                kind = type_name(owner.group(1)) + "?"
                copy = f"{kind[:-1]}(rawValue: UInt32(clamping: c.{f.name}))"
            members.append(f"{self.doc(f.doc.replace('UINT64_MAX', 'nil'), '    ')}    public let {name}: {kind}{'?' * maybe}\n")
            copies.append(f"        {name} = {f'c.{f.name} == .max ? nil : {copy}' if maybe else copy}\n")
        return (
            f"\n{self.doc(struct.doc)}public struct {type_name(struct.name)}: Equatable, Sendable {{\n{''.join(members)}"
            f"\n    init(_ c: {struct.name}) {{\n{''.join(copies)}    }}\n}}\n")

    def emit(self) -> str:
        text = MADE + self.constants() + "".join(map(self.enum, self.model.enums))
        return text + "".join(self.struct(s) for s in self.model.structs if s.name in NUMBERS)


def emit(model: Model, root: Path) -> dict[str, str]:
    return {"bindings/swift/Sources/VDB/Generated.swift": Swift(model).emit()}
