"""Compares tiles that aftermap drew with what GDAL draws from the same file. Needs rasterio; called by tests/imagery.

Arguments: source file, folder with tiles (z-x-y.rgba, 256 x 256 x 4 bytes), JSON {"bands": [...], "stretch": [...]}.
Prints for all tiles together: the peak signal-to-noise ratio in dB of the colours where both have a picture, and the
share of pixels on which both agree whether there is one.
"""

import json
import math
import pathlib
import sys

import numpy
import rasterio
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT

HALF = 20037508.342789244


def as_bytes(source, shown):
    """The picture as 8-bit red, green, blue and alpha, with the same bands and stretch."""
    mask = source.dataset_mask()
    bands = shown["bands"]
    if source.colorinterp[0].name == "palette":
        table = source.colormap(1)
        colours = numpy.array([table.get(i, (0, 0, 0, 0))[:3] for i in range(256)], "uint8")
        rgb = colours[source.read(1)].transpose(2, 0, 1)
    else:
        rgb = source.read(bands)
        if shown["stretch"]:
            levels = numpy.array(shown["stretch"])[:, :, None, None]
            low, high = levels[:, 0], levels[:, 1]
            scaled = (rgb.astype("float64") - low) * 255 / (high - low)
            rgb = numpy.clip(numpy.floor(numpy.nan_to_num(scaled) + 0.5), 0, 255).astype("uint8")
        rgb = numpy.repeat(rgb, 3, axis=0) if len(bands) == 1 else rgb
    # Alpha in samples of 16 bits reaches us as 0 and 1 or as 0 to 255.
    mask = numpy.where(mask > 0, 255, 0).astype("uint8") if mask.max() < 255 else mask
    return numpy.concatenate([rgb.astype("uint8"), mask[None]])


def tiles(folder):
    for path in sorted(pathlib.Path(folder).glob("*.rgba")):
        z, x, y = map(int, path.stem.split("-"))
        yield z, x, y, numpy.fromfile(path, "uint8").reshape(256, 256, 4).transpose(2, 0, 1)


def main():
    file, folder, shown = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    error, count, agree, pixels = 0.0, 0, 0, 0
    with rasterio.open(file) as source, MemoryFile() as memory:
        picture = as_bytes(source, shown)
        profile = dict(driver="GTiff", count=4, dtype="uint8", crs=source.crs, transform=source.transform,
                       width=source.width, height=source.height, photometric="RGB", alpha="YES")
        with memory.open(**profile) as copy:
            copy.write(picture)
        with memory.open() as copy:
            for z, x, y, ours in tiles(folder):
                side = 2 * HALF / 2**z
                place = from_origin(x * side - HALF, HALF - y * side, side / 256, side / 256)
                options = dict(crs="EPSG:3857", transform=place, width=256, height=256, resampling=Resampling.bilinear)
                with WarpedVRT(copy, **options) as warped:
                    theirs = warped.read()
                both = (ours[3] == 255) & (theirs[3] == 255)
                difference = ours[:3].astype("float64") - theirs[:3]
                error += (difference[:, both] ** 2).sum()
                count += 3 * int(both.sum())
                agree += int(((ours[3] >= 128) == (theirs[3] >= 128)).sum())
                pixels += both.size
    psnr = 99.0 if error == 0 else 10 * math.log10(255**2 * count / error) if count else float("nan")
    print(json.dumps({"psnr": round(psnr, 2), "agree": round(agree / max(pixels, 1), 5), "compared": count // 3}))


main()
