"""The manual page vdb(7): what the library is, and each function with the first sentence of its text."""

from __future__ import annotations

import re
from pathlib import Path

from header import Function, Model

HEAD = r'''.\" Made from vdb.h by bindings/gen/gen.py.
.TH VDB 7 "" "vdb @VERSION@" "vdb"
.SH NAME
vdb \- the vector database you link
.SH SYNOPSIS
.B #include <vdb.h>
.PP
.I cc program.c
.B $(pkg\-config \-\-cflags \-\-libs vdb)
.I \-Wl,\-rpath,LIBDIR
.PP
The last tells the program where the library lies, unless that is a folder that the system knows.
.PP
With C++:
.BR "#include <vdb.hpp>" ,
C++17 or later.
.SH DESCRIPTION
vdb keeps vectors in a directory, or in memory, and finds the nearest ones to a query. It is a library: there
is no server, and a program may use it from any number of threads.
.PP
A database is opened with
.BR vdb_open (),
rows are written with
.BR vdb_insert_batch ()
and
.BR vdb_upsert_batch (),
and found with
.BR vdb_search ().
Every function returns a status: 0 is success, above 0 success with something to know, below 0 an error. The last
argument, which may be NULL, receives what failed, the value, the limit, and the row to blame.
.PP
The header
.I vdb.h
is the manual: the rules at its top hold for all functions, and each function has its own text there.
.SH EXAMPLE
.EX
vdb_error_t err = VDB_ERROR_INIT;
vdb_options *options = NULL;
vdb *db = NULL;
vdb_options_new(&options, &err);
vdb_options_set_u64(options, VDB_OPT_DIM, 4, &err);
if (vdb_open("words.vdb", options, &db, &err) < 0) puts(err.message);
vdb_options_free(options);
.EE
.SH FUNCTIONS
'''

FOOT = r'''.SH FILES
A database is a directory of its own. One process at a time writes it; others may read it beside
.RI ( storage.read_only ).
.SH SEE ALSO
.BR pkg\-config (1)
'''


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def first_sentence(function: Function) -> str:
    paragraph = " ".join(function.doc.split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z`])", paragraph, maxsplit=1)[0]


def emit(model: Model, root: Path) -> dict[str, str]:
    text = HEAD.replace("@VERSION@", str(model.constant("VDB_VERSION_STRING")))
    section = None
    for function in model.functions:
        if function.section != section:
            section = function.section
            text += f".SS {roff(section)}\n"
        text += f".TP\n.BR {function.name} ()\n{roff(first_sentence(function))}\n"
    return {"packaging/vdb.7": text + FOOT}
