"""Published quality: every figure has its source, and only what was published for exactly that is shown for a run."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.config.registry import optimization_blocks
from simulator.explore.columns import check_column, usual_direction
from simulator.workload.model_file import load_model
from simulator.workload.precision import Precision
from simulator.workload.quality import of_workload, published, recorded_models
from simulator.workload.scenario import Workload

W4 = {"quantization": {"weights": {"format": "int4", "group_size": 128}}}


def workload(model: str = "llama2_7b", precision: Precision | None = None, **blocks: Any) -> Workload:
    made = {key: optimization_blocks.get(key).model_validate(entry) for key, entry in blocks.items()}
    return Workload(
        name="w", model=load_model(model), batch=1, prompt_tokens=8, output_tokens=2, optimizations=made,
        precision=precision or Precision(),
    )  # fmt: skip


def test_every_figure_has_a_source_and_is_in_the_range_of_its_metric() -> None:
    for figure in published():
        assert len(figure.source) > 20
        assert 1 < figure.value < (1e3 if figure.metric.endswith("_perplexity") else 100)


def test_a_metric_is_measured_one_way_wherever_it_is_named() -> None:
    how = {figure.metric: figure.how for figure in published()}
    assert all(figure.how == how[figure.metric] for figure in published())


def test_publications_agree_on_the_plain_models_by_equal_metrics() -> None:
    plain: dict[tuple[str, str], float] = {}
    for figure in published():
        if figure.decides == {}:
            assert plain.setdefault((figure.model, figure.metric), figure.value) == figure.value


def test_figures_are_of_shipped_models_or_of_those_that_were_trained_with_their_method() -> None:
    shipped = {name for name in recorded_models() if not name.startswith("bitnet_")}
    assert {figure.model for figure in published()} - shipped == {
        "bitnet_b158_700m", "bitnet_b158_1_3b", "bitnet_b158_3b",
    }  # fmt: skip


def test_the_best_recipe_of_a_method_is_shown() -> None:
    found = of_workload(workload(**W4))
    assert {metric: figure.value for metric, figure in found.items()} == {
        "wikitext2_2048_perplexity": 5.53, "zero_shot_5_accuracy": 64.27,
    }  # fmt: skip
    assert found["wikitext2_2048_perplexity"].recipe == "EfficientQAT w4g128"


@pytest.mark.parametrize(
    "more",
    [
        {"operators": {"graph_capture": True}},
        {"kv_paging": {"page_tokens": 16, "table_entry_bytes": 4}},
        {"speculative": {"drafter": "medusa", "depth": 2, "acceptance": 0.5}},
        {"offload": {"engine": "copy", "weights": 0.5, "prefetch": 1}},
        {"weight_sparsity": {"pattern": "n_m", "n": 4, "m": 4}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_methods_that_leave_answers_as_they_are_leave_their_quality(more: dict[str, Any]) -> None:
    assert of_workload(workload(**W4, **more)) == of_workload(workload(**W4))


NOT_PUBLISHED: tuple[dict[str, Any], ...] = (
    {"quantization": {"weights": {"format": "int4", "group_size": 32}}},
    {"quantization": {"weights": {"format": "int4", "group_size": 128}, "kv_cache": {"format": "int3"}}},
    {"quantization": {**W4["quantization"], "layers": ({"format": "int8", "first": 0, "last": 0},)}},
    {"quantization": {**W4["quantization"], "skip": ("ffn_down",)}},
    {**W4, "weight_sparsity": {"pattern": "n_m", "n": 2, "m": 4}},
    {**W4, "layer_skipping": {"layers": (3,)}},
    {"early_exit": {"exits": ({"after": 16, "share": 0.5},), "test": "none", "cache": "none"}},
    {"attention_sparsity": {"pattern": "window", "window": 508, "sinks": 4}},
)


@pytest.mark.parametrize("blocks", NOT_PUBLISHED)
def test_there_is_no_figure_where_none_was_published(blocks: dict[str, Any]) -> None:
    assert of_workload(workload(**blocks)) == {}


def test_a_part_of_a_model_and_other_numbers_have_no_figures() -> None:
    plain = workload()
    assert of_workload(plain)
    assert of_workload(replace(plain, model=replace(plain.model, n_layers=4))) == {}
    assert of_workload(workload(precision=Precision(kv_cache="int8"))) == {}
    assert of_workload(workload("opt_66b")) == {}


def test_how_the_lm_head_is_kept_does_not_tell_recipes_apart() -> None:
    block = {"quantization": {**W4["quantization"], "skip": ("lm_head",)}}
    assert of_workload(workload(**block)) == of_workload(workload(**W4))


def test_an_objective_names_a_metric_that_was_published() -> None:
    with pytest.raises(ValueError, match=r"'wikitext2_2048_perplexty' .*nearest: 'wikitext2_2048_perplexity'"):
        check_column("quality.wikitext2_2048_perplexty")


def test_accuracy_is_to_be_high_and_perplexity_low() -> None:
    for figure in published():
        wanted = "min" if figure.metric.endswith("_perplexity") else "max"
        assert usual_direction(f"quality.{figure.metric}") == wanted
