"""Constants of the temporal, camera, weather and colour types, by profile.

``{type: (target, parameters)}``; a tuple gives one value each for severities 1 to 5.
"""

from typing import Any, TypeAlias

Rows: TypeAlias = dict[str, tuple[str, dict[str, Any]]]

TEMPORAL, CAMERA = "muybridge.perturb.temporal", "muybridge.perturb.camera"
COLOUR, WEATHER = "muybridge.perturb.colour", "muybridge.perturb.weather"

MUYBRIDGE: Rows = {
    "sampling": (f"{TEMPORAL}:sampling", {"kept": (3, 1, 3, 1, 1), "of": (4, 2, 8, 4, 8)}),
    "reversal": (f"{TEMPORAL}:reversal", {"kept": (1, 3, 1, 1, 1), "of": (1, 4, 2, 4, 8)}),
    "jumbling": (f"{TEMPORAL}:jumbling", {"fifths": (1, 2, 3, 4, 5)}),
    "box_jumbling": (f"{TEMPORAL}:box_jumbling", {"moved": (2, 3, 4, 6, 8)}),
    "freezing": (f"{TEMPORAL}:freezing", {"probability": (0.12, 0.24, 0.36, 0.48, 0.60)}),
    "static_rotation": (f"{CAMERA}:static_rotation", {"degrees": (7.5, 15, 30, 45, 90)}),
    "random_rotation": (f"{CAMERA}:random_rotation", {"degrees": (7, 13, 19, 25, 31)}),
    "translation": (f"{CAMERA}:translation", {"shift": (8, 16, 24, 32, 40)}),
}

ROTATIONS: Rows = {
    "static_rotation": (f"{CAMERA}:static_rotation_nearest", {"degrees": (7.5, 15, 30, 45, 90)}),
    "random_rotation": (f"{CAMERA}:random_rotation_nearest", {"degrees": (7, 13, 19, 25, 31)}),
}
"""As published by both."""

SAMPLES_2022: Rows = {
    "sampling": (f"{TEMPORAL}:sampling", {"kept": 1, "of": (1, 2, 4, 8, 16)}),
    "reversal": (f"{TEMPORAL}:reversal", {"kept": 1, "of": (1, 2, 4, 8, 16)}),
    "jumbling": (f"{TEMPORAL}:jumbling", {"length": (4, 8, 16, 32, 64)}),
    "box_jumbling": (f"{TEMPORAL}:box_jumbling", {"length": (2, 4, 8, 16, 32)}),
    "freezing": (f"{TEMPORAL}:freezing", {"probability": (0.12, 0.24, 0.36, 0.48, 0.60)}),
    **ROTATIONS,
    "translation": (f"{CAMERA}:translation_on_canvas", {"shift": (8, 16, 24, 32, 40)}),
}

RELEASE_2023: Rows = {
    "sampling": (f"{TEMPORAL}:sampling", {"kept": 1, "of": (2, 4, 8, 16, 32)}),
    "reversal": (f"{TEMPORAL}:reversal", {"kept": 1, "of": (2, 4, 8, 16, 32)}),
    "jumbling": (f"{TEMPORAL}:jumbling", {"length": (32, 16, 8, 4, 2)}),
    "box_jumbling": (f"{TEMPORAL}:box_jumbling", {"length": (4, 9, 16, 25, 36)}),
    "freezing": (f"{TEMPORAL}:freezing", {"kept": (0.4, 0.2, 0.1, 0.05, 0.0), "at_least": (1, 1, 1, 2, 1)}),
    **ROTATIONS,
    "translation": (f"{CAMERA}:translation_once", {"shift": (8, 16, 24, 32, 40)}),
}

SATURATE = {"factor": (0.3, 0.1, 2, 5, 20), "shift": (0, 0, 0, 0.1, 0.2), "rounding": "floor"}
FOG = {"density": (1.5, 2, 2.5, 2.5, 3), "decay": (2, 2, 1.7, 1.5, 1.4), "rounding": "floor"}
BRIGHTNESS = {"shift": (0.1, 0.2, 0.3, 0.4, 0.5), "rounding": "floor"}

IMAGENET_C: Rows = {
    "fog": (f"{WEATHER}:fog", {**FOG, "flicker": True}),
    "brightness": (f"{COLOUR}:brightness", BRIGHTNESS),
    "contrast": (f"{COLOUR}:contrast", {"factor": (0.4, 0.3, 0.2, 0.1, 0.05), "rounding": "floor"}),
    "saturate": (f"{COLOUR}:saturate", SATURATE),
}

RAIN = {
    "area": (770, 770, 770, 500, 400),
    "length": (10, 30, 60, 60, 80),
    "contrast": (0.8, 0.8, 0.7, 0.6, 0.5),
    "rounding": "floor",
}

MINI_KINETICS_C: Rows = {
    "frame_average": (f"{TEMPORAL}:frame_average", {"reach": (3, 5, 7, 9, 11)}),
    "rain": (f"{WEATHER}:rain", RAIN),
    "fog": (f"{WEATHER}:fog", FOG),
    "brightness": (f"{COLOUR}:brightness", BRIGHTNESS),
    "contrast": (f"{COLOUR}:contrast", {"factor": (0.5, 0.4, 0.3, 0.2, 0.1), "rounding": "floor"}),
    "saturate": (f"{COLOUR}:saturate", SATURATE),
    "frame_rate": (f"{TEMPORAL}:frame_rate", {"fps": (20, 16, 12, 9, 6), "source": 25}),
}
"""The frame rates are whole shares of 25 frames per second, the rate taken for the source, which the paper does not name."""

ANGLES = (3.7, 6.7, 9.7, 12.7, 15.7)
"""Mean absolute angles of the published variable rotation: of whole degrees from -n to n, n = 7, 13, 19, 25, 31."""
EQUAL_ROTATIONS: Rows = {
    name: (f"{CAMERA}:{name}", {"degrees": ANGLES})
    for name in ("held_rotation", "swinging_rotation", "jittered_rotation")
}

LADDERS: dict[str, Rows] = {
    "muybridge-1": MUYBRIDGE,
    "samples-2022": SAMPLES_2022,
    "release-2023": RELEASE_2023,
    "ssl-noise": {},
    "imagenet-c": IMAGENET_C,
    "mini-kinetics-c": MINI_KINETICS_C,
    "equal-rotations": EQUAL_ROTATIONS,
}
