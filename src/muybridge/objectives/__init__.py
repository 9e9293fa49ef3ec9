"""Objectives: everything that trains a backbone, pretext tasks and supervised learning alike."""

from muybridge.core.catalogue import Entry

OBJECTIVES = {
    "rotnet": Entry(
        "name the multiple of 90 degrees by which the clip was rotated (spatial; 3DRotNet, 2018)",
        "muybridge.objectives.rotnet:RotNet",
        {"kind": "spatial", "pretext": True, "complexity": "rotations"},
    ),
    "vcop": Entry(
        "name the order in which the clips of a video were shuffled (temporal; VCOP, CVPR 2019)",
        "muybridge.objectives.vcop:VCOP",
        {"kind": "temporal", "pretext": True, "complexity": "clips"},
    ),
    "supervised": Entry(
        "cross-entropy on the labels",
        "muybridge.objectives.supervised:Supervised",
        {"kind": "supervised", "pretext": False},
    ),
}
