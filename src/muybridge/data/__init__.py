"""From files on disk to batches of clips.

``kind`` says what tells the classes apart: appearance (a single frame) or motion (temporal). Sets with ``root`` are read from the official
files in the folder that ``--root`` names.
"""

from muybridge.core.catalogue import Entry

DATASETS = {
    "builtin-objects": Entry(
        "embedded, 10 classes: handwritten digits in motion; one frame tells the class, motion does not",
        "muybridge.data.sources:builtin_objects",
        {"classes": 10, "kind": "appearance"},
    ),
    "builtin-motions": Entry(
        "embedded, 12 classes in reversal pairs: only motion tells the class, one frame is at chance",
        "muybridge.data.sources:builtin_motions",
        {"classes": 12, "kind": "temporal"},
    ),
    "builtin-scenes": Entry(
        "embedded, 120 pairs of a digit and a motion with a sentence about each clip; 30 pairs are in no training clip",
        "muybridge.data.sources:builtin_scenes",
        {"classes": 120, "kind": "temporal"},
    ),
    "ucf101": Entry(
        "UCF101, official split 1: 101 actions; also ucf101-2, ucf101-3",
        "muybridge.data.sets.ucf101:split1",
        {"classes": 101, "kind": "appearance", "root": True},
    ),
    "ucf101-2": Entry(
        "UCF101, official split 2",
        "muybridge.data.sets.ucf101:split2",
        {"classes": 101, "kind": "appearance", "root": True},
    ),
    "ucf101-3": Entry(
        "UCF101, official split 3",
        "muybridge.data.sets.ucf101:split3",
        {"classes": 101, "kind": "appearance", "root": True},
    ),
    "hmdb51": Entry(
        "HMDB51, official split 1: 51 actions; also hmdb51-2, hmdb51-3",
        "muybridge.data.sets.hmdb51:split1",
        {"classes": 51, "kind": "appearance", "root": True},
    ),
    "hmdb51-2": Entry(
        "HMDB51, official split 2",
        "muybridge.data.sets.hmdb51:split2",
        {"classes": 51, "kind": "appearance", "root": True},
    ),
    "hmdb51-3": Entry(
        "HMDB51, official split 3",
        "muybridge.data.sets.hmdb51:split3",
        {"classes": 51, "kind": "appearance", "root": True},
    ),
    "kinetics400": Entry(
        "Kinetics-400: actions in ten-second clips",
        "muybridge.data.sets.kinetics:k400",
        {"classes": 400, "kind": "appearance", "root": True},
    ),
    "kinetics600": Entry(
        "Kinetics-600",
        "muybridge.data.sets.kinetics:k600",
        {"classes": 600, "kind": "appearance", "root": True},
    ),
    "kinetics700": Entry(
        "Kinetics-700",
        "muybridge.data.sets.kinetics:k700",
        {"classes": 700, "kind": "appearance", "root": True},
    ),
    "ssv2": Entry(
        "Something-Something V2: hand actions that only motion tells",
        "muybridge.data.sets.ssv2:full",
        {"classes": 174, "kind": "temporal", "root": True},
    ),
    "ssv2-mini": Entry(
        "Something-Something V2, the classes of mini_classes.txt",
        "muybridge.data.sets.ssv2:mini",
        {"classes": 87, "kind": "temporal", "root": True},
    ),
    "diving48": Entry(
        "Diving48 with the cleaned labels (V2)",
        "muybridge.data.sets.diving48:v2",
        {"classes": 48, "kind": "temporal", "root": True},
    ),
    "diving48-v1": Entry(
        "Diving48 as first published",
        "muybridge.data.sets.diving48:v1",
        {"classes": 48, "kind": "temporal", "root": True},
    ),
    "ucf101-ds": Entry(
        "UCF101-DS: UCF101's actions under natural shifts, test only",
        "muybridge.data.sets.ucf101ds:read",
        {"classes": 47, "kind": "appearance", "root": True},
    ),
}
