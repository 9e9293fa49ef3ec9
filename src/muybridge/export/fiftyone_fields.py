"""The document that FiftyOne keeps of a data set, in its ``FiftyOneDataset`` layout: which fields samples have, and of which type.

Only what its importer needs is written; it fills in the rest, and brings layouts of older versions to its own.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

FORMAT = "1.4.0"
"""Version of FiftyOne whose layout this is: the oldest since which these fields have not changed; read with 1.22.1."""
PACKAGE = "fiftyone.core.fields"
Kind = Literal["text", "texts", "int", "float", "bool", "label", "id", "date", "vector"]
TYPES: Mapping[str, str] = {
    "text": "StringField", "texts": "ListField", "int": "IntField", "float": "FloatField", "bool": "BooleanField",
    "label": "EmbeddedDocumentField", "id": "ObjectIdField", "date": "DateTimeField", "vector": "VectorField",
}  # fmt: skip


def field(
    name: str, kind: str, database: str | None = None, document: str = "", inner: Sequence[object] = ()
) -> dict[str, Any]:
    """One field of the samples.

    Args:
        name: as it is asked for.
        kind: a key of ``TYPES``.
        database: its name in samples.json; the same when not given.
        document: class of an embedded document; that of a label when not given.
        inner: fields of the embedded document; those of a label when not given.
    """
    embedded = kind == "label"
    return {
        "name": name,
        "ftype": f"{PACKAGE}.{TYPES[kind]}",
        "embedded_doc_type": (document or "fiftyone.core.labels.Classification") if embedded else None,
        "subfield": f"{PACKAGE}.StringField" if kind == "texts" else None,
        "fields": list(inner or LABEL) if embedded else [],
        "db_field": database or name,
        "description": None,
        "info": None,
        "read_only": False,
    }


LABEL = (
    field("id", "id", "_id"), field("tags", "texts"), field("label", "text"), field("confidence", "float"), field("logits", "vector"),
)  # fmt: skip
VIDEO = (
    field("size_bytes", "int"), field("mime_type", "text"), field("frame_width", "int"), field("frame_height", "int"),
    field("frame_rate", "float"), field("total_frame_count", "int"), field("duration", "float"), field("encoding_str", "text"),
)  # fmt: skip
BASE = (
    field("id", "id", "_id"), field("filepath", "text"), field("tags", "texts"),
    field("metadata", "label", document="fiftyone.core.metadata.VideoMetadata", inner=VIDEO),
    field("_media_type", "text"), field("_rand", "float"), field("_dataset_id", "id"),
    field("created_at", "date"), field("last_modified_at", "date"),
    field("video_id", "text"), field("group", "text"), field("segment", "text"), field("ground_truth", "label"),
)  # fmt: skip
"""What every sample has."""
FRAMES = (
    field("id", "id", "_id"), field("frame_number", "int"), field("_sample_id", "id"), field("_dataset_id", "id"),
    field("created_at", "date"), field("last_modified_at", "date"),
)  # fmt: skip


def schema(
    name: str, fields: Sequence[Mapping[str, object]], info: Mapping[str, object]
) -> dict[str, object]:
    """The content of ``metadata.json``."""
    return {
        "name": name, "slug": name, "version": FORMAT, "media_type": "video", "persistent": False, "tags": [], "info": info,
        "app_config": {}, "classes": {}, "default_classes": [], "mask_targets": {}, "default_mask_targets": {}, "skeletons": {},
        "group_media_types": {}, "sample_fields": list(fields), "frame_fields": list(FRAMES), "saved_views": [], "workspaces": [],
        "annotation_runs": {}, "brain_methods": {}, "evaluations": {}, "runs": {},
    }  # fmt: skip


def classification(key: str, label: str, confidence: float | None = None) -> dict[str, Any]:
    """A label with the name of its class, and how sure the network is, a fraction.

    Args:
        key: the same for the same label of the same run; hashed to its id.
        label: name of the class.
        confidence: softmax of its score.
    """
    made = {"_id": {"$oid": hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:24]}, "_cls": "Classification",
            "tags": [], "label": label}  # fmt: skip
    return made if confidence is None else made | {"confidence": confidence}
