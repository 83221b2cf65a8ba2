"""What the suites have in common: their arguments, their steps, and what they ask a model for.

A suite is run as `python SCRIPT BASE_URL KEY MODEL…` and goes through all of its steps for each model.
"""

import sys
import traceback
from pathlib import Path

# Not even an answer that was drawn takes as long as this.
TIMEOUT_SECONDS = 60

# A pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)

# A tool is called when the prompt names it.
ASK_WEATHER = "Please call get_weather for Paris."
ASK_TIME = "Now call get_time for Paris."
ASK_BOTH = "Please call get_weather and get_time for Paris."
ASK_TEXT = "Say something about the sea."

WEATHER_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The name of the city"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
TIME_SCHEMA = {
    "type": "object",
    "properties": {"zone": {"type": "string"}, "offset": {"type": "integer"}},
    "required": ["zone", "offset"],
    "additionalProperties": False,
}
CITY_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "population": {"type": "integer"},
        "rivers": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "population", "rivers"],
    "additionalProperties": False,
}


def check_weather(arguments):
    """Whether a call of get_weather has what its schema says."""
    assert set(arguments) == {"city", "unit"}, arguments
    assert isinstance(arguments["city"], str) and arguments["unit"] == "celsius", arguments


def check_time(arguments):
    """Whether a call of get_time has what its schema says."""
    assert set(arguments) == {"zone", "offset"}, arguments
    assert isinstance(arguments["zone"], str) and isinstance(arguments["offset"], int), arguments


def check_city(city):
    """Whether a structured answer has what its schema says."""
    assert set(city) == {"name", "population", "rivers"}, city
    assert isinstance(city["name"], str) and isinstance(city["population"], int), city
    assert city["rivers"] and all(isinstance(river, str) for river in city["rivers"]), city


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def same(found, expected, what):
    """What a stream and its sum agree on."""
    assert found == expected, f"{what}: {found!r} is not {expected!r}"


def raises(error, call):
    """The error of this class, or of one of these, that a call fails with."""
    try:
        answer = call()
    except error as caught:
        return caught
    raise AssertionError(f"no {error}, but {answer!r}")


class Model:
    """A model that is asked, and what its provider makes of it."""

    def __init__(self, name):
        self.name = name
        self.provider = next(
            provider
            for start, provider in [("claude", "anthropic"), ("gpt", "openai"), ("o", "openai"), ("gemini", "gemini")]
            if name.startswith(start)
        )

    @property
    def reasons(self):
        return not self.name.startswith("gpt-4")

    @property
    def shows_thoughts(self):
        """Whether its thoughts leave the provider: OpenAI keeps them to itself."""
        return self.provider != "openai"

    @property
    def signs_thoughts(self):
        """Whether its thoughts come with what proves that they are its own: Google signs what follows them."""
        return self.provider == "anthropic"

    @property
    def takes_stop(self):
        return not (self.provider == "openai" and self.reasons)


class Suite:
    """Steps that are gone through for each model."""

    def __init__(self):
        self.base_url, self.key, *models = sys.argv[1:]
        self.models = [Model(name) for name in models]
        self.steps = []

    def step(self, function):
        """A step for every model."""
        return self.step_for(lambda model: True)(function)

    def step_for(self, wanted):
        """A step for the models that can do what it is about."""

        def add(function):
            self.steps.append((function, wanted))
            return function

        return add

    def run(self):
        """Goes through everything, whatever fails, and ends the process."""
        failed = []
        for model in self.models:
            for function, wanted in self.steps:
                if wanted(model):
                    name = f"{model.name}: {function.__name__.replace('_', ' ')}"
                    if not passes(name, function, model):
                        failed.append(name)
        if failed:
            print("\nThese steps failed:", *failed, sep="\n  ")
        sys.exit(1 if failed else 0)


def passes(name, function, model):
    try:
        function(model)
    except Exception as error:
        print(f"FAILED {name}")
        print(*own_frames(error), *traceback.format_exception_only(error), sep="")
        return False
    print(f"ok     {name}")
    return True


def own_frames(error):
    """Where in the suite an error comes from; the SDK's own depths tell nothing."""
    folder = str(Path(__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    return traceback.format_list([frame for frame in frames if frame.filename.startswith(folder)][1:])
