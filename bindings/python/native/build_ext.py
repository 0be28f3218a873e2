"""Describes the extension vdb._vdb to cffi: API mode, one file for all Python versions from 3.9 on.

VDB_INCLUDE_DIR and VDB_LIB_DIR say where vdb.h and libvdb.so are; without them it is the
repository. The extension finds the library in its own folder, where setup.py puts a copy.
"""

import os
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INCLUDE_DIR = os.environ.get("VDB_INCLUDE_DIR", str(ROOT / "include"))
LIB_DIR = os.environ.get("VDB_LIB_DIR", str(ROOT / "build" / "lib"))

ffibuilder = FFI()
ffibuilder.cdef((HERE / "cdef.h").read_text(encoding="utf-8"))
ffibuilder.set_source(
    "vdb._vdb",
    "#include <vdb.h>",
    include_dirs=[INCLUDE_DIR],
    library_dirs=[LIB_DIR],
    libraries=["vdb"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"],
    define_macros=[("Py_LIMITED_API", "0x03090000")],
    py_limited_api=True,
)
