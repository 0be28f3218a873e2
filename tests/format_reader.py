"""Reads a vdb database: Python 3, standard library only, written from
docs/file-format.md and nothing else. Prints `row ID HEX` for every row, by id, then
`record ID KEY METADATA` in hexadecimal (`-` = none) for those with a key or metadata; checks
every checksum on the way, holds every code to the bound on its error, and ends with a
message where the document is not kept.

usage: format_reader.py DIRECTORY
"""

import json
import os
import struct
import sys

NONE = 0xFFFFFFFF


class Damaged(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


TABLE = []
for n in range(256):
    for _ in range(8):
        n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc(*pieces):
    """CRC-32C of the concatenation; a number is its eight little-endian bytes."""
    value = 0xFFFFFFFF
    for piece in pieces:
        for byte in struct.pack("<Q", piece) if isinstance(piece, int) else piece:
            value = TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


assert crc(b"123456789") == 0xE3069283


def siphash(data, *key):
    """SipHash-2-4 under a key of two numbers."""
    word = 2**64 - 1
    turned = lambda x, by: (x << by | x >> 64 - by) & word
    v = [0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573]
    v = [x ^ key[i % 2] for i, x in enumerate(v)]

    def rounds(count):
        a, b, c, d = v
        for _ in range(count):
            a, c = (a + b) & word, (c + d) & word
            b, d = turned(b, 13) ^ a, turned(d, 16) ^ c
            a = turned(a, 32)
            a, c = (a + d) & word, (c + b) & word
            b, d = turned(b, 17) ^ c, turned(d, 21) ^ a
            c = turned(c, 32)
        v[:] = a, b, c, d

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for (number,) in struct.iter_unpack("<Q", padded):
        v[3] ^= number
        rounds(2)
        v[0] ^= number
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


# The vector of the authors of SipHash.
assert siphash(bytes(range(15)), 0x0706050403020100, 0x0F0E0D0C0B0A0908) == 0xA129CA6149BE45E5


def record(data):
    """Key and metadata of a record."""
    if not data:
        return (b"", b"")
    need(len(data) >= 2, "a record without the length of its key")
    end = 2 + struct.unpack_from("<H", data)[0]
    need(end <= len(data) and end <= 2 + 512, "the key of a record")
    key, meta = data[2:end], data[end:]
    try:
        key.decode()
        need(not meta or isinstance(json.loads(meta), dict), "metadata that is no JSON object")
    except ValueError as odd:
        raise Damaged(f"a record: {odd}")
    return (key, meta)


class Reader:
    """Little-endian numbers one after the other."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, size):
        need(self.at + size <= len(self.data), "ends inside a field")
        self.at += size
        return self.data[self.at - size : self.at]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def u64(self):
        return struct.unpack("<Q", self.take(8))[0]


def header(data, magic):
    need(len(data) >= 64 and data[:8] == magic, f"not a file of kind {magic}")
    fields = struct.unpack_from("<HHIIIQQQQII", data, 8)
    major, _minor, must, _may, kind, generation, number, word0, word1, _reserved, check = fields
    need(crc(data[:60]) == check, "checksum of a header")
    need(major <= 1, f"version {major} is too new")
    known = {b"VDBMANI1": 31, b"VDBPART1": 2}.get(magic, 0)
    need(must & ~known == 0, f"features {must:#x} are not known")
    return {"features": must, "kind": kind, "generation": generation, "number": number, "words": (word0, word1)}


def sign(i, round):
    """Of component i in a round of the rotation."""
    word = 2**64 - 1
    z = (i + (round + 1) * 0x9E3779B97F4A7C15) & word
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & word
    z = (z ^ z >> 27) * 0x94D049BB133111EB & word
    return -1.0 if (z ^ z >> 31) >> 63 else 1.0


def transformed(v, round):
    """The Walsh-Hadamard transform of a round, which is its own inverse."""
    block = 1 << (len(v).bit_length() - 1)
    first = 0 if round % 2 == 0 else len(v) - block
    part, half = v[first : first + block], 1
    while half < block:
        pairs = [(i, i + half) for i in range(block) if i & half == 0]
        for a, b in pairs:
            part[a], part[b] = part[a] + part[b], part[a] - part[b]
        half *= 2
    return v[:first] + [x / block**0.5 for x in part] + v[first + block :]


def rotated(v):
    for round in range(4):
        v = transformed([x * sign(i, round) for i, x in enumerate(v)], round)
    return v


def rotated_back(v):
    for round in reversed(range(4)):
        v = [x * sign(i, round) for i, x in enumerate(transformed(v, round))]
    return v


class Codec:
    """How codes stand for vectors: blob 1."""

    DOT, L2, L1 = 1, 2, 3

    def __init__(self, data, dim):
        r = Reader(data)
        self.version, self.space, self.unit, self.rotated = r.take(4)
        need(r.u32() == dim, "dimension of the codec")
        floats = lambda count: struct.unpack(f"<{count}f", r.take(4 * count))
        self.dim = dim
        if self.version == 1:
            self.scale = floats(1)[0]
            self.means = floats(dim) if self.space != self.DOT else [0.0] * dim
            self.code_bytes = (dim + 31) // 32 * 32
        elif self.version == 2:
            self.scale, self.means = floats(1)[0], floats(dim)
            self.code_bytes = (dim + 63) // 64 * 32
        elif self.version == 3:
            _deviation, self.means = floats(1), floats(dim)
            self.code_bytes = (dim + 63) // 64 * 8 + 8
        elif self.version == 4:
            self.m, self.means = r.u32(), [0.0] * dim
            self.centroids = [floats(16) for _ in range(dim)]
            self.code_bytes = (self.m + 31) // 32 * 16
        else:
            raise Damaged(f"codec of version {self.version}")
        need(r.at == len(data), "bytes after the codec")

    def place(self, v):
        """What is encoded of a vector."""
        length = sum(x * x for x in v) ** 0.5 if self.unit else 1.0
        v = [x / length if length else 0.0 for x in v]
        v = rotated(v) if self.version in (2, 3) and self.rotated else v
        return [x - mean for x, mean in zip(v, self.means)]

    def stands_for(self, code):
        if self.version == 1 and self.space == self.DOT:
            return [((byte ^ 128) - 128) * self.scale for byte in code[: self.dim]]
        if self.version == 1:
            return [(byte - 128) * self.scale for byte in code[: self.dim]]
        if self.version == 3:
            w = struct.unpack_from("<f", code, 4)[0]
            return [w if code[8 + i // 8] >> i % 8 & 1 else -w for i in range(self.dim)]
        if self.version == 4:
            halves = [code[s // 32 * 16 + s % 16] >> (0 if s % 32 < 16 else 4) & 15 for s in range(self.m)]
            ranges = [range(s * self.dim // self.m, (s + 1) * self.dim // self.m) for s in range(self.m)]
            return [self.centroids[i][half] for half, within in zip(halves, ranges) for i in within]
        places = [(i // 64 * 32 + i % 32, 0 if i % 64 < 32 else 4) for i in range(self.dim)]
        return [((code[at] >> up & 15) * 16 + 8 - 128) * self.scale for at, up in places]

    def vector(self, code):
        """The vector in the place of one that was given up."""
        v = [x + mean for x, mean in zip(self.stands_for(code), self.means)]
        return rotated_back(v) if self.version in (2, 3) and self.rotated else v

    def error(self, v, code):
        differences = [abs(x - y) for x, y in zip(self.place(v), self.stands_for(code))]
        return sum(differences) if self.space == self.L1 else sum(x * x for x in differences) ** 0.5


class Database:
    PREFIX = {1: "chunk", 2: "graph", 3: "ids", 4: "tombstones", 5: "codes", 6: "records", 7: "keys"}
    # Bits of a component by scalar type, as in vdb.h.
    BITS = {1: 32, 2: 16, 3: 16, 4: 8, 5: 1, 6: 8}

    def __init__(self, directory):
        self.directory = directory
        current = self.file("CURRENT")
        need(len(current) == 64, "CURRENT is a header and nothing else")
        head = header(current, b"VDBCURR1")
        data = self.file(f"MANIFEST-{head['generation']}")
        need((len(data), crc(data)) == head["words"], "not the manifest that CURRENT names")
        self.manifest(data, head["generation"])

    def file(self, name):
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read()

    def manifest(self, data, generation):
        head = header(data, b"VDBMANI1")
        need((len(data) - 64, crc(data[64:])) == head["words"], "payload of the manifest")
        r = Reader(data, 64)
        need(r.u64() == generation == head["generation"], "generation of the manifest")
        self.dim, self.metric, self.scalar, quant, self.m, _ef = [r.u32() for _ in range(6)]
        _seed, self.shift = r.u64(), r.u32()
        self.lsn, _next, self.first_log = r.u64(), r.u64(), r.u64()
        self.durable = (r.u64(), r.u64())
        self.salt = r.u64()
        self.parts, self.blobs = {}, {}
        self.features = head["features"]
        need(self.features & 1 == (1 if quant > 2 else 0), "features of the manifest")
        self.gives_up = self.features & 4 != 0
        self.has_records = self.features & 8 != 0
        for _ in range(r.u64()):
            position, kind = r.u64(), r.u32()
            entry = {"kind": kind, "number": r.u64(), "generation": r.u64(), "len": r.u64(), "crc": r.u32()}
            self.parts.setdefault(kind, {})[position] = entry
        for _ in range(r.u64()):
            tag = r.u32()
            self.blobs[tag] = r.take(r.u64())
        need(r.at == len(data), "bytes after the manifest")
        need((self.features & 16 != 0) == (7 in self.blobs), "features and columns")
        self.row_bytes = (self.dim * self.BITS[self.scalar] + 7) // 8

    def part(self, entry):
        """The sections of a part by tag: (stride, list of rows)."""
        name = f"{self.PREFIX[entry['kind']]}-{entry['number']}.vdb"
        data = self.file(name)
        place = (entry["kind"], entry["generation"], entry["number"])
        head = header(data, b"VDBPART1")
        need((head["kind"], head["generation"], head["number"]) == place, f"{name}: another part")
        need(len(data) == entry["len"] and data[-4:] == b"VEND", f"{name}: length or end")
        r = Reader(data, len(data) - 24)
        data_len, sections, blocks = r.u64(), r.u32(), r.u32()
        need(r.u32() == entry["crc"], f"{name}: not the part that the manifest names")
        size = 4096 if head["features"] & 2 else 65536
        need(size == 65536 or self.features & 2, f"{name}: the manifest does not tell of short blocks")
        need(data_len % 4096 == 0 and blocks == (data_len + size - 1) // size, f"{name}: block count")
        need(data_len + 24 * sections + 4 * blocks + 24 == len(data), f"{name}: lengths")
        need(crc(*place, 2**64 - 1, data[data_len:-8]) == entry["crc"], f"{name}: footer")
        table = Reader(data, data_len)
        entries = [(table.u32(), table.u32(), table.u64(), table.u64()) for _ in range(sections)]
        for block in range(blocks):
            content = data[block * size : min((block + 1) * size, data_len)]
            need(table.u32() == crc(*place, block, content), f"{name}: block {block}")
        found = {}
        for tag, stride, offset, rows in entries:
            need(offset % 4096 == 0 and offset + stride * rows <= data_len, f"{name}: section {tag}")
            found[tag] = (stride, [data[offset + i * stride : offset + (i + 1) * stride] for i in range(rows)])
        return found

    def of_kind(self, kind):
        parts = self.parts.get(kind, {})
        need(sorted(parts) == list(range(len(parts))), f"positions of parts of kind {kind}")
        return [self.part(parts[position]) for position in sorted(parts)]

    def live_rows(self):
        """Rows of the parts, by id."""
        dead = [bits for part in self.of_kind(4) for bits in part[1][1]]
        rows, slots, chunks = {}, {}, self.of_kind(1)
        self.hollow = [1 not in part for part in chunks]
        self.chunk_rows = [len(part[2][1]) for part in chunks]
        need(self.hollow == sorted(self.hollow, reverse=True) and not any(self.hollow[-1:]), "chunks without vectors")
        for position, part in enumerate(chunks):
            ids = part[2][1]
            stride, vectors = self.decoded(position, len(ids)) if self.hollow[position] else part[1]
            need(stride == self.row_bytes and len(vectors) == len(ids), "a chunk")
            for i, (vector, name) in enumerate(zip(vectors, ids)):
                if dead and dead[position][i >> 3] >> (i & 7) & 1:
                    continue
                name = struct.unpack("<Q", name)[0]
                need(name not in rows, f"id {name} has two live rows")
                rows[name], slots[name] = vector, (position << self.shift) + i
        self.slots = slots
        for part in self.of_kind(3):
            names = [struct.unpack("<Q", x)[0] for x in part[1][1]]
            numbers = [struct.unpack("<I", x)[0] for x in part[2][1]]
            need(names == sorted(slots) and numbers == [slots[name] for name in names], "the id map")
        return rows

    def live_records(self):
        """Keys and metadata of the rows of the parts, by id."""
        parts = self.parts.get(6, {})
        need(self.has_records or not (parts or 7 in self.parts or 6 in self.blobs), "the manifest tells of no records")
        names = {slot: name for name, slot in self.slots.items()}
        records = {}
        for position, entry in sorted(parts.items()):
            part = self.part(entry)
            need(position < len(self.hollow) and part[1][0] == 8 and part[2][0] == 1, "a records part")
            heap, owners = b"".join(part[2][1]), part[3][1]
            need(len(owners) == len(part[1][1]) <= self.chunk_rows[position], "owners of records")
            for row, (place, owner) in enumerate(zip(part[1][1], owners)):
                slot = (position << self.shift) + row
                if slot not in names:
                    continue
                need(struct.unpack("<Q", owner)[0] == names[slot], "the owner of a record")
                offset, length = divmod(struct.unpack("<Q", place)[0], 2**24)
                need(offset + length <= len(heap), "a record outside its section")
                records[names[slot]] = record(heap[offset : offset + length])
        self.check_keys({key: self.slots[name] for name, (key, _) in records.items() if key})
        return {name: found for name, found in records.items() if any(found)}

    def check_keys(self, slots):
        """The keys part leads from the numbers of `slots`, by key, to these and no others."""
        found = []
        for part in self.of_kind(7):
            numbers = [struct.unpack("<Q", x)[0] for x in part[1][1]]
            need(numbers == sorted(set(numbers)), "the order of the keys")
            found += zip(numbers, [struct.unpack("<I", x)[0] for x in part[2][1]])
        need(sorted(slot for _, slot in found) == sorted(slots.values()), "slots of the keys")
        keys = {slot: key for key, slot in slots.items()}
        for number, slot in found:
            # The row that had the first number may be gone by now.
            need(number in [siphash(keys[slot], self.salt, nth) for nth in range(2)], "the number of a key")

    def decoded(self, position, count):
        """Stride and vectors of a chunk that gave them up."""
        need(self.gives_up and 1 in self.blobs and position in self.parts.get(5, {}), "a chunk has no vectors")
        codec, codes = Codec(self.blobs[1], self.dim), self.part(self.parts[5][position])[1][1]
        format = f"<{self.dim}{ {1: 'f', 2: 'e'}[self.scalar]}"
        return self.row_bytes, [struct.pack(format, *codec.vector(code)) for code in codes[:count]]

    def components(self, vector):
        count = {1: "f", 2: "e"}.get(self.scalar)
        return struct.unpack(f"<{self.dim}{count}", vector) if count else None

    def check_codes(self, rows):
        """Every code is as far from its vector as blob 4 says, or less."""
        parts = self.of_kind(5)
        need(1 in self.blobs or not parts, "codes without a codec")
        if 1 not in self.blobs:
            return
        codec = Codec(self.blobs[1], self.dim)
        codes = {}
        for position, part in enumerate(parts):
            stride, found = part[1]
            need(stride == codec.code_bytes, "bytes of a code")
            codes.update(((position << self.shift) + i, code) for i, code in enumerate(found))
        bound = struct.unpack("<d", self.blobs[4])[0] if 4 in self.blobs else None
        for name, slot in self.slots.items():
            v = self.components(rows[name])
            kept = not self.hollow[slot >> self.shift]
            if bound is not None and v is not None and slot in codes and kept:
                slack = 1e-5 * sum(x * x for x in v) ** 0.5
                need(codec.error(v, codes[slot]) <= bound + slack, f"error of the code of row {name}")

    def check_graph(self):
        """Every link leads to a node of its level."""
        for part in self.of_kind(2):
            fields = struct.unpack("<11I", b"".join(part[100][1]))
            version, m, _ef, _low, _high, slots, nodes, entry, top, ordinals, upper = fields
            levels = [x[0] for x in part[1][1]]
            need(version == 1 and m == self.m and len(levels) == slots, "graph header")
            need(sum(level != 255 for level in levels) == nodes, "nodes of the graph")
            need(nodes == 0 or levels[entry] == top, "entry point")
            links = lambda row: [n for n in struct.unpack(f"<{len(row) // 4}I", row)]
            tall = [struct.unpack("<II", x) for x in part[3][1]]
            need(len(tall) == ordinals and len(part[4][1]) == upper, "upper levels")
            for slot, row in enumerate(part[2][1]):
                for other in links(row):
                    if other == NONE:
                        break
                    need(levels[other] != 255, f"link of slot {slot}")
            for slot, first in tall:
                for level in range(levels[slot]):
                    for other in links(part[4][1][first + level]):
                        if other == NONE:
                            break
                        need(levels[tall[other][0]] > level, f"upper link of slot {slot}")

    def replay(self, rows, records):
        """Applies the batches of the log that are not in the parts."""
        number, lsn = self.first_log, None
        while os.path.exists(os.path.join(self.directory, f"wal-{number}.log")):
            data = self.file(f"wal-{number}.log")
            if len(data) <= 64 and number > self.first_log:
                break
            head = header(data, b"VDBWLOG1")
            need((head["number"], head["words"][0]) == (number, self.salt), "log of another database")
            need(lsn is None or lsn == head["words"][1], "a gap in the log")
            lsn, at = head["words"][1], 64
            while at + 40 <= len(data):
                r = Reader(data, at)
                magic, kind, size, its_lsn, _synced, payload_crc = r.take(4), r.u32(), r.u64(), r.u64(), r.u64(), r.u32()
                if magic != b"VREC" or r.u32() != crc(self.salt, number, at, data[at : at + 36]):
                    break
                payload = data[at + 40 : at + 40 + size]
                if len(payload) < size or crc(payload) != payload_crc:
                    break
                need(its_lsn == lsn, "LSN of a record")
                if lsn > self.lsn:
                    self.apply(rows, records, kind, payload)
                lsn, at = lsn + 1, (at + 40 + size + 7) // 8 * 8
            need(self.durable[0] != number or at >= self.durable[1], "the log lost its durable part")
            number += 1

    def apply(self, rows, records, kind, payload):
        need(kind in (1, 2, 3, 4), f"log record of kind {kind}, which is newer")
        need(kind < 3 or self.has_records, "records in the log of a database without any")
        r = Reader(payload)
        names = [r.u64() for _ in range(r.u64())]
        for name in names:
            if kind in (1, 3):
                rows[name] = r.take(self.row_bytes)
            elif kind == 2:
                rows.pop(name, None)
                records.pop(name, None)
        if kind in (3, 4):
            lengths = [r.u32() for _ in names]
            for name, length in zip(names, lengths):
                found = record(r.take(length))
                records.pop(name, None)
                if any(found) and name in rows:
                    records[name] = found
        need(r.at == len(payload), "payload of a record")


def main():
    database = Database(sys.argv[1])
    rows = database.live_rows()
    records = database.live_records()
    database.check_codes(rows)
    database.check_graph()
    database.replay(rows, records)
    for name in sorted(rows):
        print(f"row {name} {rows[name].hex()}")
    keys = [key for key, _ in records.values() if key]
    need(len(keys) == len(set(keys)), "a key that two rows have")
    for name in sorted(records):
        key, meta = records[name]
        print(f"record {name} {key.hex() or '-'} {meta.hex() or '-'}")


if __name__ == "__main__":
    try:
        main()
    except (Damaged, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
