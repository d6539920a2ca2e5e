"""Reads every export in a folder with GDAL (pyogrio, rasterio), geopandas and pyarrow, and compares it with the CSV beside
it: the same rows, values, outlines and coordinate reference system. Prints what was compared as JSON; fails at the first
difference.

    python read_back.py FOLDER
"""

import csv
import gzip
import json
import math
import os
import shutil
import sqlite3
import sys
import tempfile

import geopandas
import numpy
import pandas
import pyarrow.parquet
import pyogrio
import rasterio
import shapely

# Text that a spreadsheet would run as a formula has an apostrophe in front in CSV, and only there.
RISKY = tuple("=+-@\t\r\n{[＝＋－＠")
DAYS = {"date_before", "date_after"}
INSTANTS = {"mindate", "maxdate", "closed_at"} | {
    f"{which}captured_{end}" for which in ("", "before_", "after_") for end in ("from", "to")
}
WHOLE = {"class_code", "labels", "surplus_labels", "z", "x", "y"}
TRUTHS = {"damaged", "reviewed_by_expert"}
TEXTS = {"campaign", "tile_id", "quadkey", "footprint_id", "state", "class", "closed_reason", "before_scene", "after_scene",
         "method", "method_version", "scene", "sensor", "crs", "sha256", "source", "licence", "attribution"}


def is_whole(column):
    return column in WHOLE or column.startswith("labels_")


def unguarded(text):
    return text[1:] if text.startswith("'") and text[1:].startswith(RISKY) else text


def csv_rows(text, key):
    rows = list(csv.DictReader(text))
    return {unguarded(row[key]): row for row in rows}


def same(column, cell, value):
    """Whether a cell of the CSV and what was read from another format are the same value."""
    blank = value is None or value is pandas.NaT or (isinstance(value, float) and math.isnan(value)) or value is pandas.NA
    if cell == "" or blank:
        return cell == "" and blank
    if column in DAYS:
        return pandas.Timestamp(cell).date() == pandas.Timestamp(value).date()
    if column in INSTANTS:
        at = pandas.Timestamp(value)
        at = at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")
        return pandas.Timestamp(cell) == at
    if column in TRUTHS:
        return (cell == "true") == bool(value)
    if column in TEXTS:
        return isinstance(value, str) and unguarded(cell) == value
    return math.isclose(float(cell), float(value), rel_tol=1e-15, abs_tol=0.0)


def compare(name, frame, rows, key):
    """Compares a table with the rows of the CSV."""
    assert frame.crs.to_epsg() == 4326 or frame.crs.to_authority() == ("OGC", "CRS84"), f"{name}: {frame.crs}"
    assert len(frame) == len(rows), f"{name}: {len(frame)} rows, the CSV has {len(rows)}"
    expected = [column for column in (next(iter(rows.values())) if rows else {}) if column != "geometry"]
    # GDAL's GeoJSON drivers keep the feature's own id beside the columns.
    found = [column for column in frame.columns if column not in ("geometry", "id", "bbox")]
    assert not rows or found == expected, f"{name}: {found}, the CSV has {expected}"
    for _, row in frame.iterrows():
        cells = rows[row[key]]
        for column in expected:
            assert same(column, cells[column], row[column]), f"{name}, {row[key]!r}: {column} is {row[column]!r}, the CSV has {cells[column]!r}"
        if "geometry" in cells:
            outline = shapely.from_wkt(cells["geometry"])
            assert shapely.equals(outline, row.geometry), f"{name}, {row[key]!r}: {row.geometry}, the CSV has {outline}"
            assert sorted(shapely.get_coordinates(outline).tolist()) == sorted(shapely.get_coordinates(row.geometry).tolist())
        assert -180 <= row.geometry.bounds[0] and row.geometry.bounds[2] <= 180, f"{name}, {row[key]!r}: beyond the date line"
    return len(frame)


def check_types(name, schema, columns):
    """The declared types of a typed format."""
    for column in columns:
        kind = schema[column]
        wanted = (
            "date" if column in DAYS
            else "datetime" if column in INSTANTS
            else "int" if is_whole(column)
            else "bool" if column in TRUTHS
            else "text" if column in TEXTS
            else "float"
        )
        assert kind == wanted, f"{name}: {column} is {kind}, not {wanted}"


OGR = {
    "OFTString": "text", "OFTInteger64": "int", "OFTInteger": "int", "OFTReal": "float", "OFTDateTime": "datetime",
    "OFTDate": "date",
}


def ogr_types(path, layer):
    info = pyogrio.read_info(path, layer=layer)
    kinds = {}
    for column, kind, subtype in zip(info["fields"], info["ogr_types"], info["ogr_subtypes"]):
        kinds[column] = "bool" if subtype == "OFSTBoolean" else OGR[kind]
    return kinds, info


def arrow_types(path):
    def word(kind):
        text = str(kind)
        return {"string": "text", "int64": "int", "double": "float", "bool": "bool", "date32[day]": "date"}.get(
            text, "datetime" if text == "timestamp[ms, tz=UTC]" else text
        )

    return {field.name: word(field.type) for field in pyarrow.parquet.read_schema(path)}


def vector(folder, what, key, done):
    with open(os.path.join(folder, f"{what}.csv"), encoding="utf-8", newline="") as text:
        rows = csv_rows(text, key)
    columns = [column for column in (next(iter(rows.values())) if rows else {}) if column != "geometry"]
    packed = os.path.join(folder, f"{what}.csv.gz")
    with gzip.open(packed, "rt", encoding="utf-8", newline="") as text:
        assert csv_rows(text, key) == rows
    done[f"{what}.csv.gz"] = len(rows)
    for extension in ("geojson", "geojsons", "gpkg", "fgb", "geojson.gz", "geojsons.gz"):
        name = f"{what}.{extension}"
        path = os.path.join(folder, name)
        if extension.endswith(".gz"):
            with gzip.open(path) as packed, open(path.removesuffix(".gz"), "rb") as plain:
                assert packed.read() == plain.read(), name
            done[name] = len(rows)
            continue
        if not rows and extension == "geojsons":
            assert os.path.getsize(path) == 0, "a sequence of nothing is empty"
            done[name] = 0
            continue
        layer = what if extension == "gpkg" else None
        frame = pyogrio.read_dataframe(path, layer=layer)
        done[name] = compare(name, frame, rows, key)
        if extension == "geojson":
            again = geopandas.read_file(path)
            assert len(again) == len(rows)
        if extension in ("gpkg", "fgb"):
            indexed(name, path, layer, frame, columns, rows)
    path = os.path.join(folder, f"{what}.parquet")
    frame = geopandas.read_parquet(path)
    frame = frame.drop(columns=[column for column in frame.columns if column == "bbox"])
    done[f"{what}.parquet"] = compare(f"{what}.parquet", frame, rows, key)
    check_types(f"{what}.parquet", arrow_types(path), columns)
    if rows:
        west, south, east, north = frame.iloc[0].geometry.bounds
        near = geopandas.read_parquet(path, bbox=(west, south, east, north))
        assert 1 <= len(near) <= len(rows) and frame.iloc[0][key] in set(near[key])
    return rows


def indexed(name, path, layer, frame, columns, rows):
    kinds, info = ogr_types(path, layer)
    # FlatGeobuf has one type for moments and days.
    dates = {column: "date" if column in DAYS and kind == "datetime" else kind for column, kind in kinds.items()}
    check_types(name, dates if name.endswith("fgb") else kinds, columns)
    if not rows:
        return
    assert info["capabilities"]["fast_spatial_filter"], f"{name} has no spatial index"
    assert info["features"] == len(rows)
    assert numpy.allclose(info["total_bounds"], frame.total_bounds)
    for _, row in frame.iterrows():
        middle = row.geometry.representative_point()
        box = (middle.x, middle.y, middle.x, middle.y)
        found = pyogrio.read_dataframe(path, layer=layer, bbox=box)
        wanted = frame[frame.intersects(shapely.box(*box))]
        assert len(found) == len(wanted), f"{name}: {len(found)} rows at {box}, not {len(wanted)}"


def geopackage(path, what, rows, done):
    """What the standard wants of the file, and that its spatial index stays right when somebody edits it."""
    with sqlite3.connect(path) as database:
        ask = lambda sql: database.execute(sql).fetchall()
        assert ask("PRAGMA application_id")[0][0] == 0x47504B47 and ask("PRAGMA user_version")[0][0] == 10400
        assert ask("PRAGMA integrity_check") == [("ok",)] and ask("PRAGMA foreign_key_check") == []
        assert {last for (last,) in ask("SELECT last_change FROM gpkg_contents")} == {"1970-01-01T00:00:00.000Z"}
        assert ask(f"SELECT COUNT(*) FROM rtree_{what}_geom")[0][0] == len(rows)
        extensions = {row[0] for row in ask("SELECT extension_name FROM gpkg_extensions")}
        assert extensions == {"gpkg_rtree_index", "gpkg_schema"}, extensions
        triggers = ask("SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'rtree_tiles_%'")
        assert what != "tiles" or triggers[0][0] == 7
    done["layers"] = sorted(name for name, _ in pyogrio.list_layers(path))
    if not rows:
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, os.path.join(folder, "edited.gpkg"))
        more = pyogrio.read_dataframe(copy, layer=what, max_features=1)
        pyogrio.write_dataframe(more, copy, layer=what, append=True)
        with sqlite3.connect(copy) as database:
            assert database.execute(f"SELECT COUNT(*) FROM rtree_{what}_geom").fetchone()[0] == len(rows) + 1


def raster(folder, rows, done):
    bands = ("class_code", "damaged_probability", "effective_redundancy")
    for name in ("tiles.tif", "tiles.class.tif"):
        with rasterio.open(os.path.join(folder, name)) as picture:
            assert picture.crs.to_epsg() == 3857 and picture.driver == "GTiff"
            assert picture.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG", name
            assert picture.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION") == "DEFLATE", name
            assert max(picture.shape) <= 256 or picture.overviews(1), f"{name} has no overviews"
            if name == "tiles.tif":
                assert picture.count == 3 and math.isnan(picture.nodata) and set(picture.dtypes) == {"float32"}
            else:
                assert picture.count == 1 and picture.nodata == 255 and picture.dtypes[0] == "uint8"
                assert len(set(list(picture.colormap(1).values())[:3])) == 3
            compared = 0
            for row in rows.values():
                values = pixel(picture, row)
                if values is None:
                    continue
                compared += 1
                wanted = [float(row[band]) if row[band] else math.nan for band in bands]
                if name == "tiles.class.tif":
                    wanted = [wanted[0] if row["class_code"] else 255.0]
                for band, (value, want) in enumerate(zip(values, wanted)):
                    near = (math.isnan(value) and math.isnan(want)) or math.isclose(value, want, rel_tol=1e-6)
                    assert near, f"{name}, {row['tile_id']}: band {band + 1} is {value}, the CSV has {want}"
            done[name] = compared
            done[f"{name} size"] = list(picture.shape)


def pixel(picture, row):
    """What the raster shows in the middle of a row's outline."""
    middle = shapely.from_wkt(row["geometry"]).representative_point()
    x = middle.x / 180 * 20037508.342789244
    y = math.log(math.tan(math.pi / 4 + math.radians(max(min(middle.y, 85.0511), -85.0511)) / 2)) / math.pi * 20037508.342789244
    for turn in (0, 2 * 20037508.342789244):
        line, column = picture.index(x + turn, y)
        if 0 <= line < picture.height and 0 <= column < picture.width:
            return picture.read(window=rasterio.windows.Window(column, line, 1, 1))[:, 0, 0].astype(float)
    return None


def main(folder):
    done = {}
    tiles = vector(folder, "tiles", "tile_id", done)
    scenes = vector(folder, "scenes", "scene", done)
    geopackage(os.path.join(folder, "tiles.gpkg"), "tiles", tiles, done)
    geopackage(os.path.join(folder, "scenes.gpkg"), "scenes", scenes, {})
    raster(folder, tiles, done)
    json.dump(done, sys.stdout)


main(sys.argv[1])
