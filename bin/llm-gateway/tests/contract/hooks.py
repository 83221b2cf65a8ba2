"""What schemathesis needs to know of the gateway beyond its document."""

import itertools
import json
import os
import re
import zlib

import schemathesis

# Ids by collection: what may be changed and deleted at will, and what the run itself lives on.
SPARE = json.loads(os.environ["ST_SPARE"])
KEPT = set(json.loads(os.environ["ST_KEPT"]))
NOBODY = "019b76da-a800-7000-8000-00000000dead"
count = itertools.count()

ALLOWANCE = {
    "limits": lambda: {"requests_per_minute": 60},
    "budget": lambda: {"amount_usd": 12.5, "period": "month"},
}
USER = ALLOWANCE | {"email": lambda: f"st-{next(count)}@example.com", "password": lambda: "correct horse battery"}
NAMED = ALLOWANCE | {"name": lambda: f"st {next(count)}", "tags": lambda: {"team": "st"}}
ACCOUNT = NAMED | {
    # A port where nobody listens: an account is asked only for its health, and fails at once.
    "base_url": lambda: "http://127.0.0.1:9",
    "credential": lambda: {"type": "api_key", "api_key": "sk-st-0000000000000000"},
    "models": lambda: ["st-*"],
    "model_map": lambda: {"st-a": "st-b"},
    "priority": lambda: 50,
    "proxy_url": None,
    "admin_credential": None,
}
KEY = NAMED | {
    "allowed_models": lambda: ["claude-*"],
    "allowed_ips": lambda: ["127.0.0.1", "2001:db8::/32"],
    "allowed_accounts": lambda: [],
    "expires_in_days": lambda: 30,
    "expires_at": None,
    "user_id": None,
}
RATES = {rate: lambda: 0.3 for rate in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")}
PRICE = RATES | {
    "web_searches_per_1k_usd": lambda: 10,
    "tiers": lambda: [{"above_input_tokens": 200000, "input": 6, "output": 22.5}],
    "multiplier": None,
}
TEXT = [{"role": "user", "content": "Hello"}]
STREAM = {"stream": lambda: next(count) % 2 == 0}
VERBS = ["generateContent", "streamGenerateContent", "countTokens"]
GEMINI = {"contents": lambda: [{"role": "user", "parts": [{"text": "Hello"}]}]}

# Values that the document cannot describe, without which nothing is ever made: each takes the place of a generated one, and
# `None` leaves the field out. Fields that an update need not have are filled only if they are there.
FILL = {
    ("POST", "/api/users"): USER | {"username": lambda: f"st-{next(count)}", "role": lambda: "member"},
    ("PUT", "/api/users/{id}"): USER,
    ("POST", "/api/keys"): KEY,
    ("PUT", "/api/keys/{id}"): KEY,
    ("POST", "/api/upstream-accounts"): ACCOUNT,
    ("PUT", "/api/upstream-accounts/{id}"): ACCOUNT,
    ("PUT", "/api/prices/{model}"): PRICE,
    ("PUT", "/api/upstream-accounts/{id}/prices/{model}"): PRICE,
    ("POST", "/api/routing/simulate"): {"key_id": None},
    ("POST", "/v1/messages"): STREAM
    | {"model": lambda: "claude-haiku-4-5", "max_tokens": lambda: 16, "messages": lambda: TEXT},
    ("POST", "/v1/messages/count_tokens"): {"model": lambda: "claude-haiku-4-5", "messages": lambda: TEXT},
    ("POST", "/v1/chat/completions"): STREAM | {"model": lambda: "gpt-5.4", "messages": lambda: TEXT},
    ("POST", "/v1/responses"): STREAM | {"model": lambda: "gpt-5.4", "input": lambda: "Hello"},
    ("POST", "/v1/models/{id}"): GEMINI,
    ("POST", "/v1beta/models/{id}"): GEMINI,
}


@schemathesis.hook
def before_call(context, case, kwargs):
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if is_positive and isinstance(case.body, dict):
        case.body = filled(case)
    parameters = case.path_parameters
    if not isinstance(parameters, dict):
        return
    if is_positive and "file" in parameters and chosen(parameters["file"]):
        parameters["file"] = "index.html"
    if "id" not in parameters:
        return
    wanted = str(parameters["id"])
    number = zlib.crc32(wanted.encode())
    if case.path.startswith("/v1"):
        if is_positive and chosen(wanted):
            parameters["id"] = "gpt-5.4" if case.method == "GET" else "gemini-2.5-pro:" + VERBS[number % len(VERBS)]
            if case.method == "POST" and number % 2:
                case.query = {"alt": "sse"}
    elif spare := SPARE.get(case.path.split("/")[2]):
        # Of generated ids there is nothing. What is deleted is not offered again, but for the last few.
        if is_positive and chosen(wanted):
            is_last = case.method == "DELETE" and case.path.endswith("{id}") and len(spare) > 5
            parameters["id"] = spare.pop() if is_last else spare[number % len(spare)]
    # The acting user, its key and the upstream accounts may be read, but neither changed nor deleted.
    if case.method != "GET" and str(parameters["id"]).lower() in KEPT:
        parameters["id"] = NOBODY


def chosen(text):
    """Two of three, always the same ones; ids that the stateful phase found in answers stay what they are."""
    return zlib.crc32(text.encode()) % 3 != 0 and not text.startswith("01")


def filled(case):
    body, values = dict(case.body), FILL.get((case.method, case.path), {})
    for field, value in values.items():
        if value is None:
            body.pop(field, None)
        elif body.get(field) is not None or case.method == "POST" and field in needed(case):
            body[field] = value()
    return body


def needed(case):
    # The LLM routes' bodies have no schema, so all of theirs are.
    if case.path.startswith("/v1"):
        return FILL[case.method, case.path]
    return {"username", "email", "password", "role", "name", "credential", "base_url"}


# What no schema says: rules between fields, of what else there is, and of texts.
VALUE_RULES = re.compile(r"control character|`cursor`|a model's name has|before `to`|shorter time")
TYPE_RULES = re.compile(r"expected an? (object|list|boolean|string)$|there is no such field")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops refusals of bodies and parameters for their values; those for their shape stay findings."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    error = response.json()["error"]
    if response.status_code == 422:
        # Whole numbers are also sent as `5.0`, which JSON Schema calls an integer and the gateway does not.
        return any(TYPE_RULES.search(detail["message"]) for detail in error["details"])
    return not VALUE_RULES.search(error["message"])
