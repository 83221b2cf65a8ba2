"""Compares a running gateway with its OpenAPI document, in one role.

    python check.py ROLE GATEWAY UPSTREAM [OPTIONS OF SCHEMATHESIS]

ROLE      key, admin, member or anonymous
GATEWAY   where it listens, such as http://127.0.0.1:8080
UPSTREAM  the address of an llm-simulator, which answers the LLM routes

The gateway must have a database that may be thrown away, the profile `development` (accounts on loopback), and, since most sign-ins
and API keys here are wrong, GATEWAY__AUTH__FAILURES_PER_ACCOUNT, GATEWAY__AUTH__FAILURES_PER_ADDRESS and
GATEWAY__KEYS__UNKNOWN_PER_ADDRESS at 1000000.
"""

import json
import os
import pathlib
import secrets
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).parent
ROLE, URL, UPSTREAM, *OPTIONS = sys.argv[1:]
PROVIDERS = ("anthropic", "gemini", "openai")

# What each role asks: a session opens nothing of the LLM routes, an API key nothing else.
FILTERS = {
    "key": ["--include-tag", "llm"],
    "admin": ["--exclude-tag", "llm"],
    "member": ["--exclude-tag", "llm"],
    "anonymous": ["--phases", "examples,coverage"],
}


def call(path, body=None, token=None):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or "null")


def sign_in(name, password):
    return call("/api/auth/login", {"username": name, "password": password})


def make_user(admin, role):
    """A user of the run's own, so that nothing happens to whoever runs it. The sign-in outlives the run: 15 minutes."""
    name, first, password = f"st-{secrets.token_hex(4)}", secrets.token_hex(8), secrets.token_hex(8)
    call("/api/users", {"username": name, "email": f"{name}@example.com", "password": first, "role": role}, admin)
    token = sign_in(name, first)["access_token"]
    call("/api/auth/password", {"current_password": first, "new_password": password}, token)
    return sign_in(name, password)


def make_account(token, name, **fields):
    account = {"name": name, "credential": {"type": "api_key", "api_key": "sk-st-0000000000000000"}} | fields
    return call("/api/upstream-accounts", account, token)["id"]


def make_world():
    owner = sign_in("admin", "admin123456")
    admin = owner["access_token"]
    upstream = [make_account(admin, p, provider=p, base_url=UPSTREAM) for p in PROVIDERS]
    # Accounts that the other roles make must not answer this key: they lead nowhere, and their 502 says nothing.
    key = call("/api/keys", {"name": "st", "allowed_accounts": upstream}, admin)
    return {"owner": owner, "key": key, "kept": [owner["user"]["id"], key["id"], *upstream]}


def spare(admin, token, role):
    """Things that the run may change and delete."""
    requests = call("/api/usage/requests", token=token)["data"]
    made = {"users": [], "keys": [], "upstream-accounts": [], "usage": [request["id"] for request in requests]}
    nowhere = {"provider": "openai", "models": ["st-*"]} | ({"base_url": "http://127.0.0.1:9"} if role == "admin" else {})
    for number in range(30):
        name = f"st-{secrets.token_hex(6)}"
        if role == "admin":
            user = {"username": name, "email": f"{name}@example.com", "password": secrets.token_hex(8), "role": "member"}
            made["users"].append(call("/api/users", user, admin)["id"])
        made["keys"].append(call("/api/keys", {"name": name}, token)["id"])
        made["upstream-accounts"].append(make_account(token, name, **nowhere))
    return made


def main():
    world = make_world()
    admin, kept, things, header = world["owner"]["access_token"], list(world["kept"]), {}, []
    if ROLE in ("admin", "member"):
        signed_in = make_user(admin, ROLE)
        kept.append(signed_in["user"]["id"])
        things = spare(admin, signed_in["access_token"], ROLE)
        header = ["-H", f"Authorization: Bearer {signed_in['access_token']}"]
    elif ROLE == "key":
        header = ["-H", f"Authorization: Bearer {world['key']['key']}"]
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml",
        "run", f"{URL}/openapi.json", *header, *FILTERS[ROLE], *OPTIONS,
    ]
    variables = {"ST_HOOKS": str(HERE / "hooks.py"), "ST_SPARE": json.dumps(things), "ST_KEPT": json.dumps(kept)}
    sys.exit(subprocess.run(command, env=os.environ | variables, check=False).returncode)


main()
