"""Reads include/vdb.h into a model that every binding is made from.

Owns the grammar of the generated header: integer macros, enums, handles, structs, aliases of types
and functions, each with its comment. It is no C parser and must never guess: what it does not
know is a SyntaxError with the line, so that a new kind of declaration cannot be left out of a
binding without anybody noticing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

NAMED_VALUES = {"UINT64_MAX": 2**64 - 1, "UINT32_MAX": 2**32 - 1, "SIZE_MAX": 2**64 - 1}


@dataclass(frozen=True)
class Type:
    """A type of C. `const` is of `base`; `pointers` has for each `*`, from left to right, whether it is const."""

    base: str
    const: bool = False
    pointers: tuple[bool, ...] = ()
    function: FunctionType | None = None  # a pointer to a function; `base` is "" then

    @property
    def is_pointer(self) -> bool:
        return bool(self.pointers) or self.function is not None

    def c(self, name: str = "") -> str:
        """The declaration of `name` with this type, as C writes it."""
        if self.function:
            args = ", ".join(a.type.c(a.name) for a in self.function.args)
            return f"{self.function.result.c()} (*{name})({args})"
        stars = "".join("*const " if const else "*" for const in self.pointers)
        text = f"{'const ' if self.const else ''}{self.base} {stars}{name}"
        return text.rstrip()


@dataclass(frozen=True)
class Arg:
    name: str
    type: Type


@dataclass(frozen=True)
class FunctionType:
    result: Type
    args: tuple[Arg, ...]


@dataclass(frozen=True)
class Constant:
    """A macro that is a number or a text."""

    name: str
    value: int | str
    doc: str


@dataclass(frozen=True)
class Value:
    """One value of an enum. `short` is the name without the prefix of its enum: COSINE."""

    name: str
    short: str
    value: int
    doc: str


def is_text(option: Value) -> bool:
    """Whether an option is a text, which its comment says: a number or a name otherwise."""
    return ", a text as in " in option.doc.replace("\n", " ")


@dataclass(frozen=True)
class Enum:
    name: str
    prefix: str
    values: tuple[Value, ...]
    doc: str


@dataclass(frozen=True)
class Handle:
    name: str
    doc: str


@dataclass(frozen=True)
class Alias:
    """A typedef of a number, e.g. vdb_scalar_t."""

    name: str
    type: Type
    doc: str


@dataclass(frozen=True)
class Field:
    """A member of a struct; `length` is that of an array, or None."""

    name: str
    type: Type
    length: int | None
    doc: str


@dataclass(frozen=True)
class Struct:
    name: str
    fields: tuple[Field, ...]
    doc: str


@dataclass(frozen=True)
class Function:
    name: str
    result: Type
    args: tuple[Arg, ...]
    doc: str
    section: str


@dataclass
class Model:
    """The header. Lists are in its order; `order` has all declarations in one list."""

    constants: list[Constant] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    handles: list[Handle] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    structs: list[Struct] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    order: list[object] = field(default_factory=list)

    def constant(self, name: str) -> int | str:
        return next(c.value for c in self.constants if c.name == name)

    def enum(self, name: str) -> Enum:
        return next(e for e in self.enums if e.name == name)

    def struct(self, name: str) -> Struct:
        return next(s for s in self.structs if s.name == name)

    def function(self, name: str) -> Function:
        return next(f for f in self.functions if f.name == name)

    def resolve(self, base: str) -> str:
        """The type behind an alias: vdb_scalar_t -> uint32_t; any other name is itself."""
        return next((a.type.base for a in self.aliases if a.name == base), base)

    def add(self, item: object) -> None:
        lists = {
            Constant: self.constants, Enum: self.enums, Handle: self.handles, Alias: self.aliases,
            Struct: self.structs, Function: self.functions,
        }
        lists[type(item)].append(item)
        self.order.append(item)


TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<doc>/\*\*.*?\*/)
      | (?P<section>/\*\ ----\ .*?\*/)
      | (?P<comment>/\*.*?\*/)
      | (?P<macro>\#(?:[^\n\\]|\\\n|\\.)*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*)
      | (?P<mark>[{}()\[\],;=*])
      | (?P<text>"[^"\n]*")""",
    re.VERBOSE | re.DOTALL,
)


def clean(comment: str) -> str:
    """The text of a comment: without stars, with its lines and empty lines."""
    lines = comment.removeprefix("/**").removesuffix("*/").split("\n")
    lines = [re.sub(r"^\s*\*? ?", "", line, count=1).rstrip() for line in lines]
    return "\n".join(lines).strip()


def prefix_of(enum: str, names: list[str]) -> str:
    """What the values of an enum have in common: the name of the enum or its first words, else any words."""
    words = enum.upper().split("_")
    for count in range(len(words), 1, -1):
        prefix = "_".join(words[:count]) + "_"
        if all(name.startswith(prefix) for name in names):
            return prefix
    parts = [name.split("_")[:-1] for name in names]
    common = []
    for column in zip(*parts):
        if len(set(column)) != 1:
            break
        common.append(column[0])
    return "_".join(common) + "_"


class Parser:
    def __init__(self, text: str):
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []  # kind, text, offset
        at = 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise self.error(at, "an unknown sign")
            if match.lastgroup not in ("space", "comment"):
                self.tokens.append((match.lastgroup, match.group(), at))
            at = match.end()
        self.at = 0
        self.model = Model()
        self.numbers = dict(NAMED_VALUES)
        self.doc = ""
        self.section = ""

    def error(self, offset: int, what: str) -> SyntaxError:
        line = self.text.count("\n", 0, offset) + 1
        return SyntaxError(f"vdb.h line {line}: {what}: {self.text[offset : offset + 60]!r}")

    def fail(self, what: str) -> SyntaxError:
        offset = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        return self.error(offset, what)

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, want: str | None = None) -> str:
        text = self.peek()
        if not text or (want is not None and text != want):
            raise self.fail(f"expected {want or 'more'}")
        self.at += 1
        return text

    def word(self) -> str:
        if self.kind() != "word":
            raise self.fail("expected a name")
        return self.take()

    def number(self) -> int:
        if self.kind() == "word" and self.peek() in self.numbers:
            return self.numbers[self.take()]
        if self.kind() != "number":
            raise self.fail("expected a number")
        return int(self.take().rstrip("uUlL"), 0)

    def take_doc(self) -> str:
        doc, self.doc = self.doc, ""
        while self.kind() == "doc":
            doc = clean(self.take())
        return doc

    def parse(self) -> Model:
        while self.at < len(self.tokens):
            kind, text, _ = self.tokens[self.at]
            if kind == "doc":
                self.doc = clean(self.take())
            elif kind == "section":
                self.section = re.match(r"/\* ----\s*(.*?)\s*-{2,}", text).group(1)
                self.take()
            elif kind == "macro":
                self.macro()
            elif text == "extern":
                self.take(), self.take('"C"'), self.take("{")
            elif text == "}":
                self.take()
            elif text == "typedef":
                self.typedef()
            else:
                self.function()
        return self.model

    def macro(self) -> None:
        """Numbers and texts are kept; macros with other contents are for C alone."""
        text = self.take()
        match = re.fullmatch(r"#define\s+(\w+)\s+(.+)", text.replace("\\\n", " "), re.DOTALL)
        doc, self.doc = self.doc, ""
        if not match:
            return
        name, body = match.group(1), match.group(2).strip()
        if re.fullmatch(r"-?\d+[uUlL]*|0[xX][0-9a-fA-F]+[uUlL]*", body):
            value: int | str = int(body.rstrip("uUlL"), 0)
        elif body in self.numbers:
            value = self.numbers[body]
        elif re.fullmatch(r'"[^"]*"', body):
            value = body[1:-1]
        else:
            return
        if isinstance(value, int):
            self.numbers[name] = value
        self.model.add(Constant(name, value, doc))

    def typedef(self) -> None:
        doc = self.take_doc()
        self.take("typedef")
        if self.peek() == "enum":
            self.enum(doc)
        elif self.peek() == "struct":
            self.struct(doc)
        else:
            of = self.type()
            name = self.word()
            self.take(";")
            self.model.add(Alias(name, of, doc))

    def enum(self, doc: str) -> None:
        self.take("enum")
        name = self.word()
        self.take("{")
        rows = []
        while True:
            value_doc = self.take_doc()
            if self.peek() == "}":
                break
            value_name = self.word()
            self.take("=")
            rows.append((value_name, self.number(), value_doc))
            if self.peek() == ",":
                self.take()
        self.take("}"), self.take(name), self.take(";")
        prefix = prefix_of(name, [row[0] for row in rows])
        values = tuple(Value(n, n.removeprefix(prefix), v, d) for n, v, d in rows)
        self.model.add(Enum(name, prefix, values, doc))

    def struct(self, doc: str) -> None:
        self.take("struct")
        name = self.word()
        if self.peek() != "{":
            self.take(name), self.take(";")
            self.model.add(Handle(name, doc))
            return
        self.take("{")
        fields = []
        while True:
            field_doc = self.take_doc()
            if self.peek() == "}":
                break
            arg = self.declaration()
            length = None
            if self.peek() == "[":
                self.take()
                length = self.number()
                self.take("]")
            self.take(";")
            fields.append(Field(arg.name, arg.type, length, field_doc))
        self.take("}"), self.take(name), self.take(";")
        self.model.add(Struct(name, tuple(fields), doc))

    def type(self) -> Type:
        const = self.peek() == "const"
        if const:
            self.take()
        if self.peek() in ("struct", "enum"):
            self.take()
        base = self.word()
        pointers = []
        while self.peek() == "*":
            self.take()
            is_const = self.peek() == "const"
            if is_const:
                self.take()
            pointers.append(is_const)
        return Type(base, const, tuple(pointers))

    def declaration(self) -> Arg:
        """`type name`, or a pointer to a function."""
        of = self.type()
        if self.peek() != "(":
            return Arg(self.word(), of)
        self.take("("), self.take("*")
        name = self.word()
        self.take(")")
        return Arg(name, Type("", function=FunctionType(of, self.arguments())))

    def arguments(self) -> tuple[Arg, ...]:
        self.take("(")
        if self.peek() == "void" and self.tokens[self.at + 1][1] == ")":
            self.take()
        args = []
        while self.peek() != ")":
            args.append(self.declaration())
            if self.peek() != ")":
                self.take(",")
        self.take(")")
        return tuple(args)

    def function(self) -> None:
        doc = self.take_doc()
        result = self.type()
        name = self.word()
        args = self.arguments()
        self.take(";")
        self.model.add(Function(name, result, args, doc, self.section))


def parse(text: str) -> Model:
    """The model of a header. Raises SyntaxError at a declaration of a kind it does not know."""
    return Parser(text).parse()


def read(root: Path) -> Model:
    """The model of include/vdb.h of the repository at `root`."""
    return parse((root / "include" / "vdb.h").read_text(encoding="utf-8"))
