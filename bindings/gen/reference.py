"""The reference of the C interface, docs/c.md: every section, function, struct, enum and constant of vdb.h, with links."""

from __future__ import annotations

import re
from pathlib import Path

from header import Constant, Enum, Function, Model, Struct, clean

# What stands before the reference; the quick start is the program in examples.
HEAD = Path(__file__).with_name("c.md")

SECTION = re.compile(r"/\* ---- (?P<title>.+?) -+\s*\n?(?P<text>.*?)\*/", re.DOTALL)
RULES = re.compile(r"^(R\d+) ", re.MULTILINE)


def anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-")


class Page:
    """Texts of the header as Markdown; names of what has a place on the page become links to it."""

    def __init__(self, model: Model):
        places = [*model.functions, *model.structs, *model.enums]
        self.places = {place.name: anchor(place.name) for place in places}
        for struct in model.structs:
            self.places[f"{struct.name}_t"] = anchor(struct.name)
        for enum in model.enums:
            self.places |= {value.name: anchor(enum.name) for value in enum.values}
        self.places |= {constant.name: "constants" for constant in model.constants}
        for alias in model.aliases:
            self.places.setdefault(alias.name, self.places.get(alias.name.removesuffix("_t"), ""))

    def linked(self, text: str, here: str = "") -> str:
        """One paragraph. What stands between backticks is left alone."""
        def link(match: re.Match[str]) -> str:
            place = self.places.get(match[0])
            return f"[{match[0]}](#{place})" if place and place != here else match[0]

        parts = text.split("`")
        parts[::2] = [re.sub(r"\b(?:vdb|VDB)_\w+", link, part.replace("<", "&lt;").replace("*", "\\*")) for part in parts[::2]]
        return "`".join(parts)

    def text(self, doc: str, here: str = "") -> str:
        return "\n\n".join(self.paragraph(part, here) for part in doc.split("\n\n")) + "\n\n"

    def paragraph(self, part: str, here: str) -> str:
        """One paragraph, or a list where lines begin with a word and a gap behind it."""
        first, *items = re.split(r"^(\w+) {2,}", part, flags=re.MULTILINE)
        rows = [f"- `{word}`: {self.linked(' '.join(text.split()), here)}" for word, text in zip(items[::2], items[1::2])]
        return "\n".join([self.linked(" ".join(first.split()), here), *rows] if first.strip() else rows)

    def cell(self, doc: str, here: str) -> str:
        return self.linked(" ".join(doc.split()), here).replace("|", "\\|")

    def function(self, function: Function) -> str:
        args = ",\n    ".join(arg.type.c(arg.name) for arg in function.args) or "void"
        breaks = "\n    " if len(function.args) > 1 else ""
        prototype = f"{function.result.c(function.name)}({breaks}{args});"
        return f"### {function.name}\n\n```c\n{prototype}\n```\n\n{self.text(function.doc, anchor(function.name))}"

    def struct(self, struct: Struct) -> str:
        here = anchor(struct.name)
        rows = [f"| `{field.type.c(field.name)}{f'[{field.length}]' if field.length else ''}` | {self.cell(field.doc, here)} |"
                for field in struct.fields]
        return f"### {struct.name}\n\n{self.text(struct.doc, here)}| member | |\n| --- | --- |\n" + "\n".join(rows) + "\n\n"

    def enum(self, enum: Enum) -> str:
        here = anchor(enum.name)
        rows = [f"| `{value.name}` | {value.value} | {self.cell(value.doc, here)} |" for value in enum.values]
        return f"### {enum.name}\n\n{self.text(enum.doc, here)}| name | number | |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n\n"

    def constants(self, constants: list[Constant]) -> str:
        rows = [f"| `{constant.name}` | `{constant.value}` | {self.cell(constant.doc, '')} |" for constant in constants]
        return "## Constants\n\n| name | value | |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n\n"


def rules(page: Page, header: str) -> str:
    """The rules at the top of the header, one a paragraph."""
    comment = clean("/**" + header[2 : header.index("*/")] + "*/")
    found = RULES.split(comment)[1:]
    texts = [f"**{name}** {page.linked(' '.join(text.split()))}" for name, text in zip(found[::2], found[1::2])]
    return "## Rules\n\nThey hold for every function, whatever its own text says less about.\n\n" + "\n\n".join(texts) + "\n\n"


def emit(model: Model, root: Path) -> dict[str, str]:
    header = (root / "include/vdb.h").read_text(encoding="utf-8")
    page, intros = Page(model), {match["title"]: clean("/**" + match["text"] + "*/") for match in SECTION.finditer(header)}
    sections: dict[str, list[Function]] = {}
    for function in model.functions:
        sections.setdefault(function.section, []).append(function)
    contents, body = "", rules(page, header)
    for title, functions in sections.items():
        names = ", ".join(f"[{function.name.removeprefix('vdb_')}](#{anchor(function.name)})" for function in functions)
        contents += f"- [{title}](#{anchor(title)}): {names}\n"
        body += f"## {title}\n\n{page.text(intros[title]) if intros.get(title) else ''}" + "".join(map(page.function, functions))
    body += "## Structs\n\n" + "".join(map(page.struct, model.structs))
    body += "## Enums\n\n" + "".join(map(page.enum, model.enums)) + page.constants(model.constants)
    contents = f"## Contents\n\n[Rules](#rules), [structs](#structs), [enums](#enums), [constants](#constants), and by section:\n\n{contents}\n"
    program = (root / "examples/quickstart.c").read_text(encoding="utf-8").rstrip()
    head = HEAD.read_text(encoding="utf-8").replace("QUICKSTART", program)
    return {"docs/c.md": head + contents + body.rstrip() + "\n"}
