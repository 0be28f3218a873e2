"""Builds the wheel: the extension for Python's stable interface, with libvdb.so.N beside it."""

import os
import re
import shutil
import sysconfig
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from wheel.bdist_wheel import bdist_wheel

# Where vdb.h and libvdb.so are: in the repository, if nothing is said.
ROOT = Path(__file__).resolve().parents[2]
INCLUDE_DIR = os.environ.get("VDB_INCLUDE_DIR", str(ROOT / "include"))
LIB_DIR = os.environ.get("VDB_LIB_DIR", str(ROOT / "build" / "lib"))

HEADER = (Path(INCLUDE_DIR) / "vdb.h").read_text(encoding="utf-8")
ABI = re.search(r"#define VDB_ABI_VERSION (\d+)", HEADER).group(1)
VERSION = re.search(r'#define VDB_VERSION_STRING "([^"]+)"', HEADER).group(1)
LIBRARY = Path(LIB_DIR) / f"libvdb.so.{ABI}"


def glibc(path):
    """The least 2.x of the C library that has the symbols which a library needs."""
    return max(map(int, re.findall(rb"GLIBC_2\.(\d+)", path.read_bytes())), default=0)


# For the stable interface of Python: one file for all versions from 3.9 on. It finds the library in its own folder, where BuildWithLibrary
# puts a copy.
NATIVE = Extension(
    "vdb._lib", ["native/lib.c"], depends=["native/calls.h", "native/result.h", "native/tables.h", "native/take.h"],
    include_dirs=[INCLUDE_DIR, numpy.get_include()], library_dirs=[LIB_DIR], libraries=["vdb"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"], define_macros=[("Py_LIMITED_API", "0x03090000")], py_limited_api=True)


class BuildWithLibrary(build_ext):
    def build_extensions(self):
        # Where the libraries of this machine's Python lie is nobody else's business.
        self.compiler.linker_so = [arg for arg in self.compiler.linker_so if not arg.startswith("-Wl,-rpath")]
        super().build_extensions()

    def run(self):
        super().run()
        target = Path(self.get_ext_fullpath("vdb._lib")).parent
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(LIBRARY, target / LIBRARY.name)


class StableWheel(bdist_wheel):
    """One wheel for CPython 3.9 and later, tagged with the oldest glibc that has all it needs."""

    def get_tag(self):
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        if platform.startswith("linux_") and os.environ.get("VDB_PLAIN_TAG") != "1":
            extension = map(Path, self.get_finalized_command("build_ext").get_outputs())
            platform = f"manylinux_2_{max(17, *map(glibc, [LIBRARY, *extension]))}_{platform.removeprefix('linux_')}"
        return "cp39", "abi3", platform


setup(
    version=VERSION,
    ext_modules=[NATIVE],
    cmdclass={"build_ext": BuildWithLibrary, "bdist_wheel": StableWheel},
)
