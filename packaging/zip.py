#!/usr/bin/env python3
"""Writes a zip whose bytes depend on names and contents alone.

    zip.py ARCHIVE FOLDER

Names are those below FOLDER, sorted; all files have mode 644 and the time SOURCE_DATE_EPOCH.
"""

import os
import sys
import time
import zipfile
from pathlib import Path

archive, folder = sys.argv[1], Path(sys.argv[2])
# 1980 is the first year that a zip can hold.
moment = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            out.writestr(entry, path.read_bytes())
