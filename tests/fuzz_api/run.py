"""Requests that schemathesis makes up after openapi.json, sent to the real binary on a data folder of its own, by nobody, by
somebody with a made-up token, by a guest, a coordinator and an admin.

Fails where an answer is a fault (5xx), is not what the description says (status, type, headers, body), or where a made-up
token or none was as good as a real one. usage: run.py BINARY OPENAPI.JSON [EXAMPLES [SEED]]
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
# A stream without end cannot be waited for.
LEFT_OUT = "/api/v1/campaigns/{slug}/events"
# One role may take so long, seconds, whatever the machine does.
PATIENCE = 1_800


def aftermap(binary, data, *words):
    """Runs a command on the data folder; what it printed."""
    done = subprocess.run([binary, *words, "--data", data], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        sys.exit(f"aftermap {' '.join(words)}: {done.stderr}")
    return done.stdout


def token_of(binary, data, name):
    """A token of an account, which may do all that its owner may."""
    said = aftermap(binary, data, "user", "token", "create", "--name", name, "--for", "made-up requests", "--scopes", "read,label,manage")
    return max(said.split(), key=len)


def ask(address, path, token=None, body=None):
    """Asks once and gives back the JSON."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=30) as reply:
        return json.load(reply)


def start(binary, data, log):
    """Starts the server on a free port; the process and its address."""
    shares = ["--guests-per-minute", "1000000", "--sign-ins-per-minute", "1000000"]
    environment = {**os.environ, "RUST_LOG": "warn,actix_http=off"}
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", data, *shares]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    for line in server.stdout:
        if line.startswith("aftermap listens on "):
            return server, line.removeprefix("aftermap listens on ").strip()
    sys.exit("the server did not start")


def real_names(address, token):
    """What there is in the demo, by the names of path parameters."""
    campaign = "/api/v1/campaigns/demo"
    scenes = [scene["id"] for scene in ask(address, campaign, token)["scenes"]]
    tiles = [tile["tile_id"] for tile in ask(address, f"{campaign}/map/tiles", token).get("tiles", [])[:20]]
    return {
        "slug": ["demo", "demo-timeline"],
        "scene_id": scenes,
        "tile_id": tiles,
        "file": ["tiles.csv", "tiles.geojson", "manifest.json", "labels.csv", "tiles.gpkg", "scenes.csv", "audit.csv", "audit.json"],
        "version": ["1", "latest"],
        "z": ["14", "16"],
    }


def play(role, token, address, openapi, real, found, examples, seed, again=True):
    """One role's requests; whether all answers were as described."""
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "AFTERMAP_FUZZ_ROLE": role,
        "AFTERMAP_FUZZ_REAL": json.dumps(real),
        "AFTERMAP_FUZZ_FOUND": str(found),
        "AFTERMAP_FUZZ_SEED": str(seed),
    }
    phases = "examples,fuzzing" if examples < 50 else "examples,coverage,fuzzing"
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", openapi, "--url", address, "--checks", CHECKS]
    command += ["--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--exclude-path", LEFT_OUT]
    command += ["--request-timeout", "60", "--suppress-health-check", "all", "--warnings", "off", "--no-color", "--no-shrink"]
    command += ["--generation-database", "none", "--continue-on-failure", "--workers", "2"]
    command += ["--header", f"Authorization:Bearer {token}"] if token else []
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, cwd=work, check=False)
    lines = done.stdout.splitlines()
    summary = next((line.strip() for line in lines if line.strip().startswith("Test cases")), "")
    counted = [line.strip() for line in lines if line.strip().endswith("generated") or " generated," in line]
    print(f"{role}: {'as described' if done.returncode == 0 else 'NOT AS DESCRIBED'} {' '.join(counted) or summary}", flush=True)
    if done.returncode != 0:
        print(done.stdout[-20_000:], done.stderr[-4_000:], sep="\n")
    # An error is schemathesis' own or the line's (a request given up on a busy machine), a failure is an answer of ours. What
    # the server wrote and whether it lives is looked at in the end, either way.
    if done.returncode != 0 and again and " FAILURES " not in done.stdout:
        return play(role, token, address, openapi, real, found, examples, seed, again=False)
    return done.returncode == 0


def main(binary, openapi, examples="6", seed="1"):
    """Plays all roles, then looks at what the server wrote."""
    with tempfile.TemporaryDirectory() as folder:
        data, found, log = f"{folder}/data", Path(folder, "found"), Path(folder, "log")
        aftermap(binary, data, "demo", "--prepare-only", "--size", "260")
        aftermap(binary, data, "user", "create", "--name", "made-up-admin", "--role", "admin")
        tokens = {"coordinator": token_of(binary, data, "coordinator"), "admin": token_of(binary, data, "made-up-admin")}
        with open(log, "w", encoding="utf-8") as file:
            server, address = start(binary, data, file)
        try:
            guest = ask(address, "/api/v1/guests", body={})["token"]
            real = real_names(address, tokens["admin"])
            roles = {"nobody": None, "forged": "x" * 43, "guest": guest, **tokens}
            fine = [play(role, token, address, openapi, real, found, int(examples), int(seed)) for role, token in roles.items()]
            alive = urllib.request.urlopen(f"{address}/healthz", timeout=30).status == 200
        finally:
            server.terminate()
            server.wait(60)
        bad = found.read_text(encoding="utf-8") if found.exists() else ""
        faults = [line for line in log.read_text(encoding="utf-8").splitlines() if "ERROR" in line or "panicked" in line]
        print(bad, *faults[:20], sep="\n")
        sys.exit(0 if all(fine) and alive and not bad and not faults else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
