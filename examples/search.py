"""5,000 dictionary entries, searched by meaning: cells for a notebook, or python search.py data/wordnet"""

# %% The sample: sentence embeddings, and the texts they are of
import sys
from pathlib import Path

import numpy

import vdb

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data/wordnet")
rows = numpy.load(folder / "base.npy")  # 5,000 x 384, float16
questions = numpy.load(folder / "queries.npy")
texts = (folder / "glosses.txt").read_text(encoding="utf-8").splitlines()
asked = (folder / "query_glosses.txt").read_text(encoding="utf-8").splitlines()

# %% A database in memory; with a path it would be on disk. Metadata is what filters look into
db = vdb.open(dim=rows.shape[1], metric="cosine", scalar="f16")
ids = db.insert(None, rows, meta=[{"text": text, "length": len(text)} for text in texts])
db.wait_indexed()  # for the measurements below: rows can be found before that
print(f"{db.count()} rows, ids from {ids[0]} to {ids[-1]}")


# %% Asking by meaning: the questions are entries that are not among the rows
def show(question, **params):
    print(f"\n{asked[question][:90]}")
    found, distances = db.search(questions[question], 3, **params)
    for distance, meta in zip(distances, db.get_meta(found)):
        print(f"   {distance:.3f}  {meta['text'][:90]}")


for number in (63, 34, 43):
    show(number)

# %% Only among some rows: a filter is made once and used again
with vdb.Filter.where("length > 150") as long_texts:
    print(f"\n{db.count(long_texts)} texts are long")
    show(63, filter=long_texts)

# %% All questions in one call, and how much of the truth that finds
found = db.search(questions, 10)
truth = numpy.load(folder / "gt_top10_ids.npy") + int(ids[0])
recall = numpy.mean([len(set(a) & set(b)) for a, b in zip(found.ids.tolist(), truth.tolist())]) / 10
print(f"\nrecall@10 of {len(questions)} questions: {recall:.3f}")
print(f"asked of the database itself: {db.measure_recall(questions, 10).recall:.3f}")

# %% How a search went, and the end
plan = db.explain(questions[63], 10)
print(f"a {plan['plan']}, because {plan['why']}")
db.close()
