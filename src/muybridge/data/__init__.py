"""From files on disk to batches of clips."""

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
}
