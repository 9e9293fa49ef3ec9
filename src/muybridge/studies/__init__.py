"""Studies: functions that yield stage configs, and the machinery that runs them once."""

from muybridge.core.catalogue import Entry

STUDIES = {
    "quickstart": Entry(
        "pretrain two tasks, probe and fine-tune them, perturb the clips, report; embedded data or your own videos",
        "muybridge.studies.quickstart:cells",
    ),
    "pretexts": Entry(
        "every pretext task on several backbones under one budget, read out by a linear probe",
        "muybridge.studies.pretexts:cells",
    ),
}
