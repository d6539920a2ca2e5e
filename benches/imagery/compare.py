"""The same GeoTIFF through aftermap, gdal2tiles and rio-tiler, and the same tiles served by aftermap and by nginx.

    python3 -m venv here && here/bin/pip install rasterio rio-tiler pmtiles numpy pillow
    apt-get install gdal-bin nginx-light wrk
    AFTERMAP_BENCH_KEEP=DIR cargo bench --bench imagery      # leaves mosaic.tif in DIR
    here/bin/python benches/imagery/compare.py --aftermap target/release/aftermap --file DIR/mosaic.tif

The file has three bands (gdal2tiles takes a fourth for alpha). Everything happens in one run on one machine, each program twice in turns, the better time counts. Printed for each:
tiles a second, peak memory with its children, and the peak signal-to-noise ratio of its encoded tiles of the deepest zoom
against gdalwarp's bilinear picture of the same grid. --only cut or --only serve does half of it.
"""

import argparse
import math
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

HALF = 20037508.342789244
RIO = """
import pathlib, sys
from concurrent.futures import ProcessPoolExecutor
from rio_tiler.io import Reader
file, out, places = sys.argv[1], pathlib.Path(sys.argv[2]), [tuple(map(int, p.split('/'))) for p in sys.stdin.read().split()]
def work(part):
    with Reader(file) as reader:
        for z, x, y in part:
            image = reader.tile(x, y, z, tilesize=256, indexes=(1, 2, 3), resampling_method='bilinear')
            path = out / f'{z}/{x}/{y}.webp'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image.render(img_format='WEBP', quality=80))
if __name__ == '__main__':
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(work, [places[at::8] for at in range(8)]))
"""


def timed(command, **more):
    """Seconds that a command takes, and the most memory that it and its children held together, MB."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(0.02)
    if process.returncode:
        sys.exit(f"{command[0]} failed: {process.stderr.read().decode()[-2000:]}")
    return time.monotonic() - begun, peak


def memory(pid):
    """Memory that a process and its children hold together, MB."""
    total = 0
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += memory(int(child))
    except (OSError, TypeError):
        pass
    return total


def ours(options, work):
    """Ingests the file with our program; returns time, memory, the data folder."""
    data = work / f"data{time.monotonic_ns()}"
    base = ["--data", str(data)]
    make = [options.aftermap, "campaign", "create", "bench", "--title", "Bench", "--visibility", "public"]
    subprocess.run(make + base, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cut = [options.aftermap, "ingest", "--campaign", "bench", "--scene", options.file, "--captured", "2017-08-27"]
    seconds, peak = timed(cut + ["--attribution", "bench", "--align", "off"] + base)
    return seconds, peak, data


def unpack(data, out):
    """Our archive as files z/x/y.webp; returns the places."""
    from pmtiles.reader import MmapSource, Reader, all_tiles

    archive = next((data / "tiles").glob("*.pmtiles"))
    places = []
    with archive.open("rb") as file:
        for (z, x, y), tile in all_tiles(Reader(MmapSource(file)).get_bytes):
            path = out / f"{z}/{x}/{y}.webp"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tile)
            places.append((z, x, y))
    return places


def psnr(options, work, folder, places, ending="webp"):
    """Encoded tiles of the deepest zoom against gdalwarp, where both are valid everywhere."""
    import numpy
    import rasterio
    from PIL import Image

    deepest = max(z for z, _, _ in places)
    side = 2 * HALF / 2**deepest
    error = count = 0
    for z, x, y in [place for place in places if place[0] == deepest][:: max(1, len(places) // 60)]:
        reference, left, top = work / "reference.tif", x * side - HALF, HALF - y * side
        warp = ["gdalwarp", "-q", "-overwrite", "-t_srs", "EPSG:3857", "-r", "bilinear", "-dstalpha", "-ts", "256", "256"]
        box = ["-te", *map(repr, (left, top - side, left + side, top))]
        subprocess.run(warp + box + [options.file, str(reference)], check=True)
        path = folder / f"{z}/{x}/{y}.{ending}"
        if not path.exists():
            continue
        tile = numpy.asarray(Image.open(path).convert("RGBA")).astype(float)
        with rasterio.open(reference) as source:
            wanted = source.read().astype(float).transpose(1, 2, 0)
        if (wanted[..., 3] < 255).any() or (tile[..., 3] < 255).any():
            continue
        error += ((tile[..., :3] - wanted[..., :3]) ** 2).sum()
        count += tile[..., :3].size
    return 10 * math.log10(255**2 / (error / count)) if count else float("nan")


def cut(options, work):
    files = {name: work / name for name in ("aftermap", "gdal2tiles", "rio-tiler")}
    best = {}
    for turn in range(2):
        seconds, peak, data = ours(options, work)
        if turn == 0:
            places = unpack(data, files["aftermap"])
        low, high = min(p[0] for p in places), max(p[0] for p in places)
        figures = {"aftermap": (seconds, peak)}
        shutil.rmtree(files["gdal2tiles"], ignore_errors=True)
        tool = ["gdal2tiles.py", "-q", "--xyz", "--processes=2", "--tiledriver=WEBP", "--webp-quality=80", "-r", "bilinear"]
        tool += ["-w", "none", "-x", "-z", f"{low}-{high}", options.file, str(files["gdal2tiles"])]
        figures["gdal2tiles"] = timed(tool)
        shutil.rmtree(files["rio-tiler"], ignore_errors=True)
        list_of = work / "places"
        list_of.write_text(" ".join("/".join(map(str, place)) for place in places))
        program = work / "rio.py"
        program.write_text(RIO)
        with list_of.open() as given:
            figures["rio-tiler"] = timed([sys.executable, str(program), options.file, str(files["rio-tiler"])], stdin=given)
        for name, (seconds, peak) in figures.items():
            before = best.get(name, (math.inf, 0))
            best[name] = (min(before[0], seconds), max(before[1], peak))
    print(f"{len(places)} tiles of zoom {low} to {high}, load {os.getloadavg()[0]:.1f}")
    for name, (seconds, peak) in best.items():
        made = sum(1 for _ in files[name].rglob("*.webp"))
        quality = psnr(options, work, files[name], places)
        size = sum(path.stat().st_size for path in files[name].rglob("*.webp")) / made
        print(f"{name:11} {made / seconds:7.1f} tiles/s  {peak:5} MB  {quality:5.1f} dB  {size / 1024:.1f} kB a tile")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(url):
    for _ in range(200):
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} never answers")


def paths_of(base, places, ending, work):
    """A script that makes wrk ask for all tiles in turns."""
    script = work / "paths.lua"
    paths = ",".join(f'"{base}/{z}/{x}/{y}{ending}"' for z, x, y in places)
    script.write_text(f"local p={{{paths}}} local i=0 request=function() i=i%#p+1 return wrk.format('GET',p[i]) end")
    return script


def serve(options, work):
    _, _, data = ours(options, work)
    files = work / "files"
    places = unpack(data, files)
    base = ["--data", str(data)]
    # Everybody may see what is open; a campaign of one picture is no comparison, so nobody may open it but us.
    with sqlite3.connect(next(data.glob("*.sqlite"))) as database:
        scene = database.execute("SELECT id FROM scenes").fetchone()[0]
        database.execute("UPDATE campaigns SET state = 'open'")
    ports = {"aftermap": free_port(), "nginx": free_port()}
    settings = work / "nginx.conf"
    settings.write_text(
        f"daemon off; worker_processes 2; pid {work}/nginx.pid; error_log {work}/nginx.log; events {{}}\n"
        "http { access_log off; sendfile on; tcp_nopush on; open_file_cache max=10000; keepalive_requests 1000000;\n"
        f"types {{ image/webp webp; }} server {{ listen 127.0.0.1:{ports['nginx']}; root {files};\n"
        "add_header Cache-Control 'public, max-age=31536000, immutable'; } }"
    )
    files.chmod(0o755)
    work.chmod(0o755)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    servers = [
        subprocess.Popen([options.aftermap, "serve", "--listen", f"127.0.0.1:{ports['aftermap']}"] + base, **quiet),
        subprocess.Popen(["/usr/sbin/nginx", "-c", str(settings), "-p", str(work)], **quiet),
    ]
    bases = {"aftermap": (f"/tiles/{scene}", ""), "nginx": ("", ".webp")}
    best = dict.fromkeys(ports, (0.0, ""))
    try:
        for name, (prefix, ending) in bases.items():
            z, x, y = places[0]
            wait_for(f"http://127.0.0.1:{ports[name]}{prefix}/{z}/{x}/{y}{ending}")
        for _ in range(3):
            for name, (prefix, ending) in bases.items():
                script = paths_of(prefix, places, ending, work)
                wrk = ["wrk", "-t1", "-c16", f"-d{options.seconds}s", "--latency", "-s", str(script)]
                said = subprocess.run(wrk + [f"http://127.0.0.1:{ports[name]}"], check=True, capture_output=True, text=True)
                if "Non-2xx" in said.stdout:
                    sys.exit(f"{name} refused: {said.stdout}")
                rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said.stdout)[1])
                late = re.search(r"99%\s+(\S+)", said.stdout)[1]
                best[name] = max(best[name], (rate, late))
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    print(f"{len(places)} tiles served, load {os.getloadavg()[0]:.1f}")
    for name, (rate, late) in best.items():
        print(f"{name:11} {rate:8.0f} tiles/s  p99 {late}  {100 * rate / best['nginx'][0]:.0f} %")


def main():
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--aftermap", required=True, help="the program, built for speed")
    said.add_argument("--file", required=True, help="the GeoTIFF")
    said.add_argument("--only", choices=["cut", "serve"])
    said.add_argument("--seconds", type=int, default=5, help="of each load, three times for each server")
    options = said.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, step in (("cut", cut), ("serve", serve)):
            if options.only in (None, name):
                step(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
