"""The generator: what the parser reads, what it refuses, and that all generated files are current."""

import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import header  # noqa: E402
import python  # noqa: E402


class Parsing(unittest.TestCase):
    def test_declarations_of_each_kind(self):
        model = header.parse(
            "#define VDB_MAX_K 16777216\n#define VDB_ID_NONE UINT64_MAX\n#define VDB_INIT { 1, 0 }\n"
            "/** Kinds. */\ntypedef enum vdb_metric {\n  /** Near. */\n  VDB_METRIC_L2SQ = 1,\n"
            "  VDB_METRIC_IP = -2,\n} vdb_metric;\n"
            "typedef struct vdb vdb;\ntypedef uint32_t vdb_scalar_t;\n"
            "typedef struct vdb_error_t { uint32_t struct_size; const vdb *db; char message[232]; } vdb_error_t;\n"
            "/* ---- Search ----------\n * Words.\n */\n"
            "/** Looks\n *\n * on. */\nvdb_scalar_t vdb_many(const vdb *const *dbs, size_t n,\n   vdb_error_t *error);\n"
            "void vdb_on(int (*go)(void *user, uint64_t done), void *user);\n"
            "const char *vdb_name(void);\n")
        self.assertEqual([(c.name, c.value) for c in model.constants],
                         [("VDB_MAX_K", 16777216), ("VDB_ID_NONE", 2**64 - 1)])
        metric = model.enum("vdb_metric")
        self.assertEqual([(v.short, v.value, v.doc) for v in metric.values], [("L2SQ", 1, "Near."), ("IP", -2, "")])
        self.assertEqual(model.handles[0].name, "vdb")
        self.assertEqual(model.resolve("vdb_scalar_t"), "uint32_t")
        self.assertEqual([(f.type.c(f.name), f.length) for f in model.struct("vdb_error_t").fields],
                         [("uint32_t struct_size", None), ("const vdb *db", None), ("char message", 232)])
        many = model.function("vdb_many")
        self.assertEqual((many.section, many.doc), ("Search", "Looks\n\non."))
        self.assertEqual([a.type.c(a.name) for a in many.args],
                         ["const vdb *const *dbs", "size_t n", "vdb_error_t *error"])
        self.assertEqual(model.function("vdb_on").args[0].type.c("go"), "int (*go)(void *user, uint64_t done)")
        self.assertEqual((model.function("vdb_name").result.c(), model.function("vdb_name").args), ("const char *", ()))

    def test_the_prefix_of_values_of_an_enum(self):
        for name, values, prefix in [
            ("vdb_search_flag", ["VDB_SEARCH_EXACT"], "VDB_SEARCH_"),
            ("vdb_option_flag", ["VDB_OPTION_FLAG_SCHEMA"], "VDB_OPTION_FLAG_"),
            ("vdb_option", ["VDB_OPT_DIM", "VDB_OPT_DURABILITY"], "VDB_OPT_"),
            ("vdb_status", ["VDB_OK", "VDB_ERR_IO"], "VDB_"),
        ]:
            self.assertEqual(header.prefix_of(name, values), prefix)

    def test_what_it_does_not_know_is_an_error_with_its_line(self):
        for text in ["int a;", "typedef union u { int a; } u;", "typedef enum e { A, B } e;", "void f(int);", "$"]:
            with self.assertRaisesRegex(SyntaxError, "line 2: "):
                header.parse("\n" + text)

    def test_no_function_of_the_header_is_missed(self):
        root = HERE.parents[1]
        text = (root / "include/vdb.h").read_text(encoding="utf-8")
        code = header.re.sub(r"/\*.*?\*/|#[^\n]*", "", text, flags=header.re.DOTALL)
        names = set(header.re.findall(r"\b(vdb_\w+)\(", code))
        self.assertEqual({f.name for f in header.parse(text).functions}, names)
        self.assertGreater(len(names), 30)


class Files(unittest.TestCase):
    def test_they_are_current(self):
        done = subprocess.run([sys.executable, HERE / "gen.py", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_functions_return_reaches_python_whole(self):
        model = header.parse("uint64_t vdb_many(void);\nuint32_t vdb_few(void);\nfloat vdb_odd(void);\n")
        many, few, odd = model.functions
        self.assertIn('Py_BuildValue("K", returned)', python.call(model, many))
        self.assertIn('Py_BuildValue("I", returned)', python.call(model, few))
        with self.assertRaises(KeyError):
            python.call(model, odd)

    def test_the_reference_has_a_place_for_everything_and_no_link_leads_nowhere(self):
        root, find = HERE.parents[1], header.re.findall
        page = (root / "docs/c.md").read_text(encoding="utf-8")
        places = {place.lower().replace(" ", "-") for place in find(r"(?m)^##+ (.+)$", page)}
        model = header.read(root)
        self.assertLess({item.name for item in [*model.functions, *model.structs, *model.enums]}, places)
        links = set(find(r"\]\(#([^)]*)\)", page))
        self.assertGreater(len(links), 100)
        self.assertEqual(links - places, set())
        values = {value.name for enum in model.enums for value in enum.values} | {item.name for item in model.constants}
        self.assertEqual({name for name in values if f"| `{name}` |" not in page}, set())


if __name__ == "__main__":
    unittest.main()
