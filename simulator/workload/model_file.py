"""Models by name or path: shipped YAML files and Hugging Face ``config.json`` files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from simulator.config.base_schema import Spec
from simulator.config.loader import build, load_document
from simulator.config.paths import SUFFIXES, identity
from simulator.workload.hf_config import HfFields, model_from_hf
from simulator.workload.json_reader import read_json_object
from simulator.workload.model import Model

HF_SUFFIX = ".json"
HF_FILE = f"config{HF_SUFFIX}"
CONFIG_KEY = "config"


class ModelFile(Spec):
    """A model YAML: ``config`` holds the fields of the Hugging Face ``config.json`` named in ``source``."""

    kind: Literal["model"]
    name: str
    description: str
    source: str
    config: dict[str, Any]


def load_model(ref: str) -> Model:
    """The model called ``ref``, or in the file ``ref``; a ``.json`` file is a Hugging Face config.

    Raises WorkloadError for a config that cannot be used, ConfigError for a name or a YAML file that cannot.
    """
    return read_model(ref)[0]


def read_model(ref: str, *, folder: Path | None = None) -> tuple[Model, Mapping[str, str]]:
    """The model and each file read for it with its SHA-256. ``folder``: where a relative path starts, if not here."""
    if folder is not None and ref.endswith(SUFFIXES):
        ref = str(folder / ref)
    return _from_json(Path(ref)) if ref.endswith(HF_SUFFIX) else _from_yaml(ref)


def _from_json(path: Path) -> tuple[Model, Mapping[str, str]]:
    json_object = read_json_object(path)
    name = path.parent.name if path.name == HF_FILE and path.parent.name else path.stem
    model = model_from_hf(HfFields(json_object.fields, json_object.locate), name=name, source=json_object.file)
    return model, {identity(path): json_object.sha256}


def _from_yaml(ref: str) -> tuple[Model, Mapping[str, str]]:
    document = load_document(ref, expected_kind="model")
    spec = build(document, ModelFile)

    def locate(key: str) -> tuple[str, int | None, int | None]:
        origin = document.locate((CONFIG_KEY, key))
        return origin.file, origin.line, origin.column

    fields = HfFields(spec.config, locate, prefix=f"{CONFIG_KEY}.")
    return model_from_hf(fields, name=spec.name, source=spec.source), document.files
