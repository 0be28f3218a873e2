"""Builds the wheel: the extension for Python's stable interface, with libvdb.so.N beside it."""

import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from wheel.bdist_wheel import bdist_wheel

sys.path.insert(0, str(Path(__file__).resolve().parent / "native"))
from build_ext import INCLUDE_DIR, LIB_DIR  # noqa: E402

HEADER = (Path(INCLUDE_DIR) / "vdb.h").read_text(encoding="utf-8")
ABI = re.search(r"#define VDB_ABI_VERSION (\d+)", HEADER).group(1)
VERSION = re.search(r'#define VDB_VERSION_STRING "([^"]+)"', HEADER).group(1)
LIBRARY = Path(LIB_DIR) / f"libvdb.so.{ABI}"


class BuildWithLibrary(build_ext):
    def run(self):
        super().run()
        target = Path(self.get_ext_fullpath("vdb._vdb")).parent
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(LIBRARY, target / LIBRARY.name)


class StableWheel(bdist_wheel):
    """One wheel for CPython 3.9 and later, tagged with the oldest glibc that has all it needs."""

    def get_tag(self):
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        if platform.startswith("linux_") and os.environ.get("VDB_PLAIN_TAG") != "1":
            needed = max(map(int, re.findall(rb"GLIBC_2\.(\d+)", LIBRARY.read_bytes())), default=17)
            platform = f"manylinux_2_{max(needed, 17)}_{platform.removeprefix('linux_')}"
        return "cp39", "abi3", platform


setup(
    version=VERSION,
    cffi_modules=["native/build_ext.py:ffibuilder"],
    cmdclass={"build_ext": BuildWithLibrary, "bdist_wheel": StableWheel},
)
