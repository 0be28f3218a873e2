"""Searches 5,000 dictionary entries by meaning: python search.py data/wordnet"""

import sys
from pathlib import Path

import numpy

import vdb

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data/wordnet")
rows = numpy.load(folder / "base.npy")  # 5,000 x 384, float16
questions = numpy.load(folder / "queries.npy")
texts = (folder / "glosses.txt").read_text(encoding="utf-8").splitlines()
asked = (folder / "query_glosses.txt").read_text(encoding="utf-8").splitlines()

with vdb.open(dim=rows.shape[1], metric="cosine", scalar="f16") as db:
    db.insert(numpy.arange(len(rows)), rows)
    db.wait_indexed()

    for number in (63, 34, 43):
        print(f"\n{asked[number][:90]}")
        ids, distances = db.search(questions[number], 3)
        for row, distance in zip(ids, distances):
            print(f"   {distance:.3f}  {texts[row][:90]}")

    # Only among some rows: a filter is made once and used again.
    long_texts = vdb.Filter([i for i, text in enumerate(texts) if len(text) > 150])
    ids, _ = db.search(questions[63], 3, filter=long_texts)
    assert all(len(texts[row]) > 150 for row in ids)

    # All questions in one call, and how much of the truth that finds.
    found = db.search(questions, 10)
    truth = numpy.load(folder / "gt_top10_ids.npy")
    recall = numpy.mean([len(set(a) & set(b)) for a, b in zip(found.ids, truth)]) / 10
    print(f"\nrecall@10 of {len(questions)} questions: {recall:.3f}")
    print(f"asked of the database itself: {db.measure_recall(questions, 10).recall:.3f}")
