"""Reads the tiles of a campaign through GDAL's OAPIF driver and compares them with the campaign's CSV.

Environment: AFTERMAP (the server), CAMPAIGN (its name in addresses). Argument: a campaign without any label.
"""

import csv
import io
import os
import sys
import urllib.request

import pyogrio

server, campaign = os.environ["AFTERMAP"], os.environ["CAMPAIGN"]
layer = f"{campaign}-tiles"
source = f"OAPIF:{server}/ogc"


def get(address):
    with urllib.request.urlopen(f"{server}{address}") as reply:
        return reply.read()


def told(query=""):
    text = get(f"/api/v1/campaigns/{campaign}/exports/tiles.csv{query}").decode("utf-8-sig")
    return {row["tile_id"]: row for row in csv.DictReader(io.StringIO(text))}


def read(page=500, **more):
    meta, _, geometry, fields = pyogrio.raw.read(source, layer=layer, PAGE_SIZE=page, **more)
    columns = dict(zip(meta["fields"], fields))
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    assert len(geometry) == len(rows) and all(geometry), "every tile has an outline"
    assert "4326" in (meta["crs"] or "") or "CRS84" in (meta["crs"] or ""), meta["crs"]
    found = {row["tile_id"]: row for row in rows}
    assert len(found) == len(rows), "no tile comes twice"
    return found


def same(found, expected, what):
    assert set(found) == set(expected), f"{what}: {len(found)} features, {len(expected)} rows"
    for name, row in expected.items():
        for column in ("state", "class", "closed_reason", "before_scene"):
            value = found[name][column]
            assert ("" if value is None else str(value)) == row[column].lstrip("'"), (what, name, column, value)
        for column in ("lon", "lat", "probability", "labels", "damaged_probability"):
            value = found[name][column]
            missing = value is None or value != value
            assert (None if missing else float(value)) == (float(row[column]) if row[column] else None), (what, name, column, value)


assert {f"{campaign}-{kind}" for kind in ("tiles", "scenes", "area")} <= {name for name, _ in pyogrio.list_layers(source)}
everything = told()
assert len(everything) > 2_000, len(everything)
for page in (137, 1_000, 5_000):
    same(read(page), everything, f"all, {page} a page")
same(read(where="class = 'destroyed'"), told("?class=destroyed"), "class")
same(read(where="class = 'destroyed' AND closed_reason = 'lead'"), told("?class=destroyed"), "two properties")
sure = {name: row for name, row in everything.items() if row["probability"] and float(row["probability"]) > 0.9}
same(read(where="probability > 0.9"), sure, "a filter that GDAL keeps to itself")
lon, lat = (sorted(float(row[axis]) for row in everything.values()) for axis in ("lon", "lat"))
box = (lon[300], lat[300], lon[1_500], lat[1_500])
same(read(bbox=box), told("?bbox=" + ",".join(map(repr, box))), "box")
same(read(bbox=box, where="class = 'damaged'"), told("?class=damaged&bbox=" + ",".join(map(repr, box))), "box and class")
assert pyogrio.read_info(source, layer=layer, force_feature_count=True)["features"] == len(everything)
scenes = pyogrio.read_info(source, layer=f"{campaign}-scenes", force_feature_count=True)
assert scenes["features"] == 2, scenes["features"]

# Where nothing is known of any tile yet, the columns are still what they are.
meta, _, geometry, fields = pyogrio.raw.read(source, layer=f"{sys.argv[1]}-tiles")
types = {name: values.dtype.kind for name, values in zip(meta["fields"], fields)}
assert len(geometry) == 12, len(geometry)
for name, kind in {"probability": "f", "p_destroyed": "f", "entropy": "f", "date_before": "M", "closed_at": "M"}.items():
    assert types[name] == kind, (name, types[name])
print("all agree")
