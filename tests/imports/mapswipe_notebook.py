"""What people's notebooks do with MapSwipe's files, done with ours; prints figures as JSON for the test to compare.

usage: mapswipe_notebook.py FOLDER SLUG
"""

import csv
import gzip
import json
import sys

import pandas as pd

folder, slug = sys.argv[1:3]


def table(name, **options):
    # The last line of old files is a notice that begins with #.
    return pd.read_csv(f"{folder}/{name}", comment="#", **options)


agg = table(f"agg_results_by_task_{slug}.csv.gz", dtype={"quadkey": str})
tasks = table(f"tasks_{slug}.csv.gz", index_col=0)
results = table(f"results_{slug}.csv.gz", index_col=0, parse_dates=["start_time", "end_time"])
groups = table(f"groups_{slug}.csv.gz", index_col=0)
users = table(f"users_{slug}.csv.gz")
history = table(f"history_{slug}.csv", parse_dates=["day"])

# Shares, by hand: those in the file must be the same.
counts = [f"{code}_count" for code in range(4)]
assert (agg[counts].sum(axis=1) == agg["total_count"]).all()
for code in range(4):
    assert ((agg[f"{code}_count"] / agg["total_count"]) - agg[f"{code}_share"]).abs().max() < 1e-12
pairs = sum(agg[name] * (agg[name] - 1) for name in counts) / (agg["total_count"] * (agg["total_count"] - 1))
several = agg["total_count"] > 1
assert (pairs[several] - agg["agreement"][several]).abs().max() < 1e-12

# A quadkey is text with one digit for each zoom level.
cells = agg.dropna(subset=["tile_z"])
assert (cells["quadkey"].str.len() == cells["tile_z"]).all()

# Answers counted again, task by task, over the join with the tasks; by the text ids and by the numbers.
for key in ["task_id", "task_internal_id"]:
    joined = results.merge(tasks[[key, "geom", "tile_z", "tile_x", "tile_y"]], on=key, how="left", validate="many_to_one")
    assert joined["geom"].str.startswith("MULTIPOLYGON (((").all()
    counted = joined.groupby([key, "result"]).size().unstack(fill_value=0).reindex(columns=range(4), fill_value=0)
    expected = agg.set_index(key)[counts]
    assert (counted.loc[expected.index].to_numpy() == expected.to_numpy()).all(), key
assert set(results["group_id"]) <= set(groups["group_id"])
assert groups["number_of_tasks"].sum() == len(tasks)
assert (results["end_time"] >= results["start_time"]).all()
assert (results["timestamp"] == results["start_time"].dt.strftime("%Y-%m-%d %H:%M:%S.%f").str[:-3]).all()

# Who agrees with whom, counted again.
same = results.merge(results, on="task_id", suffixes=("", "_other"))
same = same[same["user_id"] != same["user_id_other"]]
agreeing = (same["result"] == same["result_other"]).groupby(same["user_id"]).sum()
by_user = users.set_index("user_id")
assert (agreeing == by_user["agreeing_contributions"].loc[agreeing.index]).all()
assert by_user["total_contributions"].sum() == len(results)

# The mapping tool reads the task by its position in the line, not by its name.
with gzip.open(f"{folder}/agg_results_by_task_{slug}.csv.gz", "rt", newline="") as file:
    by_position = [row[1] for row in list(csv.reader(file))[1:]]
assert by_position == agg["task_id"].tolist()

features = json.load(gzip.open(f"{folder}/agg_results_by_task_{slug}_geom.geojson.gz"))["features"]
for feature, row in zip(features, agg.to_dict("records"), strict=True):
    properties = feature["properties"]
    assert properties["task_id"] == row["task_id"] and properties.get("quadkey", row["quadkey"]) == row["quadkey"]
    assert isinstance(properties["1_count"], float) and properties["1_count"] == row["1_count"]
    assert "geom" not in properties and all(value != "" for value in properties.values())

yes_maybe = json.load(open(f"{folder}/yes_maybe_{slug}.geojson"))
assert [feature["properties"]["id"] for feature in yes_maybe["features"]] == list(range(1, len(yes_maybe["features"]) + 1))
looks_damaged = agg["1_count"] + 0.5 * agg["2_count"] >= 0.35 * agg["total_count"]
assert looks_damaged.sum() == len(yes_maybe["features"])
hot_tm = json.load(open(f"{folder}/hot_tm_{slug}.geojson"))
for collection in [yes_maybe, hot_tm]:
    assert collection["crs"]["properties"]["name"].endswith("CRS84")
    assert all(feature["geometry"]["type"] == "Polygon" for feature in collection["features"])
assert {tuple(feature["properties"]) for feature in hot_tm["features"]} <= {("group_id",)}

assert history["cum_number_of_results"].iloc[-1] == history["number_of_results"].sum()

print(
    json.dumps(
        {
            "tiles": len(tasks),
            "labels": len(results),
            "users": len(users),
            "counts": {row["task_id"]: [int(row[name]) for name in counts] for row in agg.to_dict("records")},
        }
    )
)
