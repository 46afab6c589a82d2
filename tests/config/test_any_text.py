"""Whatever bytes a file holds, its reader accepts them or says where the fault is; nothing else is raised."""

import os
import tempfile
from pathlib import Path

from config_samples import DRAM, PLATFORM
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.tree import Origin
from simulator.config.yaml_reader import decode, parse_scalar_or_flow, parse_yaml
from simulator.errors import ConfigError, WorkloadError
from simulator.workload.hf_config import HfFields, model_from_hf
from simulator.workload.json_reader import read_json_object

MODEL = """{"architectures": ["LlamaForCausalLM"], "hidden_size": 256, "intermediate_size": 512,
 "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 512, "max_position_embeddings": 64,
 "rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_theta": 1e4, "tie_word_embeddings": false}"""
TOKENS = [
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "- ",
    "&a ",
    "*a",
    "? ",
    "!x ",
    "<<: ",
    "'",
    '"',
    "\\",
    "#",
    "\n",
    "\t",
    "  ",
    "%Y",
]
TOKENS += [
    "---\n",
    "...\n",
    "null",
    ".nan",
    ".inf",
    "1e999",
    "NaN",
    "-0",
    "0x",
    "9" * 50,
    "\x00",
    "\u2028",
    "\ufeff",
    "é",
]


def damaged(text: str) -> st.SearchStrategy[bytes]:
    """``text`` with a stretch of it replaced by tokens or bytes."""
    cut = st.tuples(st.integers(0, len(text)), st.integers(0, 40))
    filling = st.lists(st.sampled_from(TOKENS), max_size=6).map("".join).map(str.encode) | st.binary(max_size=8)
    return st.builds(lambda at, new: text[: at[0]].encode() + new + text[at[0] + at[1] :].encode(), cut, filling)


anything = st.binary(max_size=60) | st.lists(st.sampled_from(TOKENS), max_size=30).map("".join).map(str.encode)


def check(error: ConfigError | WorkloadError, *, placed: bool = False) -> None:
    """It is one line; with line and column if ``placed``."""
    assert error.message
    assert (error.line is not None and error.column is not None) or not placed
    assert str(error).isprintable()


@given(data=anything | damaged(PLATFORM) | damaged(DRAM))
def test_any_bytes_are_yaml_or_a_fault_with_its_place(data: bytes) -> None:
    try:
        parse_yaml(decode(data, "bad.yaml"), "bad.yaml").plain()
    except ConfigError as error:
        check(error, placed=True)


@given(text=st.text(max_size=30) | st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_any_text_is_the_value_of_an_override_or_a_fault(text: str) -> None:
    try:
        parse_scalar_or_flow(text, Origin(f"--set x={text}")).plain()
    except ConfigError as error:
        check(error)


@given(data=anything | damaged(MODEL))
def test_any_bytes_are_a_model_or_a_fault(data: bytes) -> None:
    handle, name = tempfile.mkstemp(suffix=".json")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        found = read_json_object(Path(name))
        model_from_hf(HfFields(found.fields, found.locate), name="any", source="")
    except WorkloadError as error:
        check(error)
    finally:
        Path(name).unlink()
