#!/usr/bin/env python3
"""Makes the bundled sample (data/wordnet, data/sift) out of the two full data sets.

    python3 data/make_sample.py DIRECTORY [OUTPUT]

DIRECTORY holds wordnet-384/ and sift-128/; OUTPUT defaults to this folder. The
choice of rows depends on nothing but the input files, so two runs write the
same bytes. Needs numpy.
"""

import gzip
import json
import pathlib
import sys

import numpy as np

ROWS, QUERIES, K = 5000, 100, 10

# Whole lexicographer files, so that the neighbourhoods of a query are as rich
# as in the full set: food, the body, landscape, time, weather, feelings.
LEXNAMES = {
    "noun.food", "noun.body", "noun.object", "noun.time", "noun.phenomenon", "noun.feeling", "noun.shape",
    "noun.Tops", "noun.motive", "verb.weather", "verb.emotion", "verb.perception", "verb.consumption",
}

# Only photographs that are in the public domain or CC0. None of the query
# photographs has a descriptor among the rows.
SIFT_ROW_IMAGES = ["brick.png", "camera.png", "cell.png", "chelsea.png", "grass.png", "hubble_deep_field.jpg",
                   "rocket.jpg", "retina.jpg"]
SIFT_QUERY_IMAGES = ["coffee.png", "gravel.png", "grace_hopper.jpg", "astronaut.png"]


def spread(candidates, count):
    """`count` of the candidates, evenly spaced and in order."""
    picks = (np.arange(count) * len(candidates)) // count
    return [candidates[i] for i in picks]


def fill_up(chosen, total, count):
    """`chosen` indices cut down to, or filled up to, `count` of 0..total; ascending."""
    if len(chosen) >= count:
        return spread(chosen, count)
    others = sorted(set(range(total)) - set(chosen))
    return sorted(chosen + spread(others, count - len(chosen)))


def exact(base, queries, distances):
    """The K nearest rows of every query by (distance, row number), in float64."""
    d = distances(base.astype(np.float64), queries.astype(np.float64))
    ids = np.argsort(d, axis=1, kind="stable")[:, :K]
    return ids.astype(np.int32), np.take_along_axis(d, ids, axis=1).astype(np.float32)


def cosine(base, queries):
    base = base / np.linalg.norm(base, axis=1, keepdims=True)
    queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    return 1.0 - queries @ base.T


def squared_l2(base, queries):
    return (queries**2).sum(1)[:, None] - 2.0 * queries @ base.T + (base**2).sum(1)[None, :]


def save(folder, base, queries, distances):
    folder.mkdir(parents=True, exist_ok=True)
    ids, nearest = exact(base, queries, distances)
    arrays = {"base": base, "queries": queries, "gt_top10_ids": ids, "gt_top10_dist": nearest}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array))


def read_meta(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_glosses(path, records):
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for record in records:
            out.write(f"{', '.join(record['lemmas'])}: {' '.join(record['gloss'].split())}\n")


def make_wordnet(source, target):
    meta = {part: read_meta(source / f"{part}_meta.jsonl.gz") for part in ("base", "query")}
    chosen = {}
    for part, count in (("base", ROWS), ("query", QUERIES)):
        records = meta[part]
        chosen[part] = fill_up([i for i, r in enumerate(records) if r["lexname"] in LEXNAMES], len(records), count)
    base = np.load(source / "base.npy")[chosen["base"]]
    queries = np.load(source / "queries.npy")[chosen["query"]]
    save(target, base, queries, cosine)
    write_glosses(target / "glosses.txt", [meta["base"][i] for i in chosen["base"]])
    write_glosses(target / "query_glosses.txt", [meta["query"][i] for i in chosen["query"]])


def make_sift(source, target):
    images = (source / "images.txt").read_text().split()
    rows, row_image = np.load(source / "base.npy"), np.load(source / "base_image.npy")
    asked, asked_image = np.load(source / "queries.npy"), np.load(source / "query_image.npy")
    # A photograph has its descriptors either in the base file or in the query file.
    pool, pool_image = np.vstack([rows, asked]), np.concatenate([row_image, asked_image])

    def of(names, count):
        numbers = [images.index(name) for name in names]
        # Small photographs whole, in the order listed; the last one fills up.
        found = np.concatenate([np.flatnonzero(pool_image == n) for n in numbers])[:count]
        assert len(found) == count, f"only {len(found)} descriptors in {names}"
        return pool[np.sort(found)]

    save(target, of(SIFT_ROW_IMAGES, ROWS), of(SIFT_QUERY_IMAGES, QUERIES), squared_l2)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parent
    make_wordnet(source / "wordnet-384", target / "wordnet")
    make_sift(source / "sift-128", target / "sift")


if __name__ == "__main__":
    main()
