"""C++: include/vdb/names.hpp, the part of vdb.hpp that follows from the header alone.

Scoped enums whose values are those of vdb.h, the parameters of a search as a struct with defaults,
and a setter for each option.
"""

from __future__ import annotations

import re
from pathlib import Path

from header import Enum, Field, Model, Value, is_text

PATH = "include/vdb/names.hpp"

HEAD = """\
/* Names of vdb.hpp. Made from vdb.h by bindings/gen/gen.py; include vdb.hpp and not this file. */

#ifndef VDB_HPP_NAMES
#define VDB_HPP_NAMES

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <vdb.h>

namespace vdbpp {
inline namespace VDB_HPP_NAMESPACE {
"""

FOOT = """
} // namespace VDB_HPP_NAMESPACE
} // namespace vdbpp

#endif // VDB_HPP_NAMES
"""


def camel(name: str) -> str:
    """NOT_FINITE -> NotFinite, vdb_search_flag -> SearchFlag."""
    return "".join(word.capitalize() for word in name.split("_"))


def type_name(name: str) -> str:
    return camel(name.removesuffix("_t").removeprefix("vdb_"))


def comment(doc: str, indent: str) -> str:
    if not doc:
        return ""
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in doc.split("\n"))


def enum(item: Enum) -> str:
    kind = "std::int32_t" if any(v.value < 0 for v in item.values) else "std::uint32_t"
    rows = "".join(f"{comment(v.doc, '    ')}    {camel(v.short)} = {v.name},\n" for v in item.values)
    return f"\n{comment(item.doc, '')}enum class {type_name(item.name)} : {kind} {{\n{rows}}};\n"


def params(model: Model) -> str:
    """SearchParams and its way into vdb_search_params_t. The type of the queries comes from the queries."""
    struct = model.struct("vdb_search_params_t")
    fields = [f for f in struct.fields if f.name not in ("struct_size", "query_scalar", "flags")]
    flags = model.enum("vdb_search_flag").values
    classes = {type_name(f.type.base) for f in fields if f.type.is_pointer}
    text = "\n" + "".join(f"class {name};\n" for name in sorted(classes))
    text += "\n/// How a search runs; as it stands, by the defaults.\nstruct SearchParams {\n"
    for f in fields:
        text += comment(f.doc, "    ") + f"    {member(model, f)};\n"
    for flag in flags:
        text += comment(flag.doc, "    ") + f"    bool {flag.short.lower()} = false;\n"
    text += "};\n\nnamespace detail {\n"
    text += "/// A template, so that the classes of handles need not be complete yet.\n"
    text += "template <class Params> vdb_search_params_t to_c(const Params &from) {\n"
    text += "    vdb_search_params_t to = VDB_SEARCH_PARAMS_INIT;\n"
    for f in fields:
        value = f"from.{f.name} ? from.{f.name}->capi() : nullptr" if f.type.is_pointer else f"from.{f.name}"
        text += f"    to.{f.name} = {value};\n"
    for flag in flags:
        text += f"    if (from.{flag.short.lower()}) to.flags |= {flag.name};\n"
    return text + "    return to;\n}\n} // namespace detail\n"


def member(model: Model, field: Field) -> str:
    if field.type.is_pointer:
        return f"{'const ' if field.type.const else ''}{type_name(field.type.base)} *{field.name} = nullptr"
    base = model.resolve(field.type.base)
    return f"{base if base in ('float', 'double') else f'std::{base}'} {field.name} = 0"


def setter(option: Value) -> str:
    """An option whose values are an enum takes that enum, a text a string; others a number or a bool, but no enum.

    Each twice: a temporary gives itself on, so that Options().dim(4) can be kept and returned.
    """
    name, of = option.short.lower(), re.search(r"\b[Oo]ne of `enum (vdb_\w+)`", option.doc)
    template, kind = "", type_name(of.group(1)) if of else "const std::string &"
    if not of and not is_text(option):
        template, kind = "template <class T, class = detail::NoEnum<T>> ", "T"
    taken = f"{template}Self%s{name}({kind}{'' if kind.endswith('&') else ' '}value)"
    call = f"self().set(Option::{camel(option.short)}, value)"
    return (f"{comment(option.doc, '    ')}    {taken % ' &'} & {{ return {call}; }}\n"
            f"    {taken % ' '} && {{ return std::move({call}); }}\n")


def setters(model: Model) -> str:
    rows = "".join(map(setter, model.enum("vdb_option").values))
    return (
        "\nnamespace detail {\ntemplate <class T> using NoEnum = std::enable_if_t<!std::is_enum_v<T>>;\n} // namespace detail\n"
        "\n/// The options by name, as members of Options.\ntemplate <class Self> class OptionSetters {\npublic:\n"
        f"{rows}\nprivate:\n    Self &self() {{ return static_cast<Self &>(*this); }}\n}};\n")


def visitors(model: Model) -> str:
    """For each struct that comes out as numbers alone: a function that goes over its fields."""
    text = ""
    for struct in model.structs:
        if all(not f.type.is_pointer and f.length is None for f in struct.fields):
            rows = "".join(f'    visit("{f.name}", from.{f.name});\n' for f in struct.fields if f.name != "struct_size")
            text += (f"\n/// Calls visit(name, value) for each field.\n"
                     f"template <class F> void for_each_field(const {struct.name} &from, F visit) {{\n{rows}}}\n")
    return text


def emit(model: Model, root: Path) -> dict[str, str]:
    text = HEAD + "".join(map(enum, model.enums)) + params(model) + setters(model) + visitors(model) + FOOT
    return {PATH: text}
