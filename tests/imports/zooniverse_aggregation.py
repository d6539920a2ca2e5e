"""Zooniverse's own program over our files: configured, extracted, reduced; prints the counts by tile as JSON.

usage: zooniverse_aggregation.py FOLDER
"""

import json
import os
import sys
import tempfile

import pandas as pd
from panoptes_aggregation.scripts.config_workflow_panoptes import config_workflow
from panoptes_aggregation.scripts.extract_panoptes_csv import extract_csv
from panoptes_aggregation.scripts.reduce_panoptes_csv import reduce_csv

folder = sys.argv[1]
work = tempfile.mkdtemp()
said, sys.stdout = sys.stdout, sys.stderr


def path(name):
    return os.path.join(folder, name)


workflows = pd.read_csv(path("workflows.csv"))
workflow_id = int(workflows["workflow_id"].iloc[0])
config_workflow(path("workflows.csv"), workflow_id, output_dir=work)
extractor = [name for name in os.listdir(work) if name.startswith("Extractor")]
reducer = [name for name in os.listdir(work) if name.startswith("Reducer")]
assert len(extractor) == 1 and len(reducer) == 1
extracted = extract_csv(
    path("classifications.csv"), os.path.join(work, extractor[0]), output_dir=work, order=True, hide_progressbar=True
)
reduced = reduce_csv(
    extracted[0], os.path.join(work, reducer[0]), filter="all", output_dir=work, order=True, hide_progressbar=True
)

# Our own extraction and reduction say what the program says.
answers = sorted(name for name in pd.read_csv(path("question_extractor_extractions.csv"), nrows=1) if name.startswith("data."))
answers.remove("data.aggregation_version")


def figures(file, key):
    frame = pd.read_csv(file).set_index(key).sort_index()
    return frame.reindex(columns=answers).fillna(0)


for ours, theirs, key in [
    ("question_extractor_extractions.csv", extracted[0], "classification_id"),
    ("question_reducer_reductions.csv", reduced, "subject_id"),
]:
    a, b = figures(path(ours), key), figures(theirs, key)
    assert a.index.equals(b.index), f"{ours}: {len(a)} and {len(b)} rows"
    assert (a.to_numpy() == b.to_numpy()).all(), ours
    assert list(pd.read_csv(path(ours), nrows=1)) and set(pd.read_csv(theirs, nrows=1)) <= set(pd.read_csv(path(ours), nrows=1))

subjects = pd.read_csv(path("subjects.csv"))
tile_of = {row["subject_id"]: json.loads(row["metadata"])["tile_id"] for row in subjects.to_dict("records")}
counts = figures(reduced, "subject_id")
classified = subjects.set_index("subject_id")["classifications_count"]
assert (counts.sum(axis=1) == classified.loc[counts.index]).all()

sys.stdout = said
print(
    json.dumps(
        {
            "labels": len(pd.read_csv(extracted[0])),
            "answers": [name.removeprefix("data.") for name in answers],
            "counts": {tile_of[subject]: [int(n) for n in row] for subject, row in zip(counts.index, counts.to_numpy())},
        }
    )
)
