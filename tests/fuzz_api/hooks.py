"""What schemathesis is told about our API: real names for some of what it makes up, and who may succeed where.

Loaded through SCHEMATHESIS_HOOKS by run.py, which says in the environment whose part is played.
"""

import json
import os
import random

import schemathesis

ROLE = os.environ["AFTERMAP_FUZZ_ROLE"]
# Names of path parameters, and what there really is of each.
REAL = json.loads(os.environ["AFTERMAP_FUZZ_REAL"])
# Where to write down what must not be.
FOUND = os.environ["AFTERMAP_FUZZ_FOUND"]
DICE = random.Random(int(os.environ["AFTERMAP_FUZZ_SEED"]))

# Addresses that ask nobody who they are: a made-up token makes no difference there.
OPEN = {
    ("POST", "/api/v1/guests"),
    ("POST", "/api/v1/accounts"),
    ("POST", "/api/v1/session/recovery"),
    ("POST", "/api/v1/invitations/look"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("POST", "/api/v1/session/refresh"),
}


@schemathesis.serializer("application/offset+octet-stream")
def part_of_an_upload(context, value):
    """Bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Mostly what is there, or nothing but "not found" would ever be tried."""
    for name, values in REAL.items():
        if name in (path_parameters or {}) and values and DICE.random() < 0.8:
            path_parameters[name] = DICE.choice(values)
    return path_parameters


@schemathesis.hook
def after_call(context, case, response):
    """Ignored credentials: a made-up token, or none, must not be as good as a real one."""
    where = (case.operation.method.upper(), case.operation.path)
    fine = 200 <= response.status_code < 400
    changes = where[0] not in ("GET", "HEAD", "OPTIONS")
    ignored = fine and where not in OPEN and (ROLE == "forged" or (ROLE == "nobody" and changes))
    if ignored or response.status_code >= 500 and response.status_code not in (503, 507):
        with open(FOUND, "a", encoding="utf-8") as file:
            file.write(f"{ROLE}: {where[0]} {where[1]} was answered with {response.status_code}\n")
