"""Names and the files that they mean."""

from pathlib import Path

import pytest
from config_samples import Write

from simulator.config import paths
from simulator.errors import ConfigError


@pytest.mark.parametrize("name", ["gddr6_aim", "dram/gddr6_aim", "arch_configs/dram/gddr6_aim"])
def test_a_name_is_any_end_of_a_path(name: str, write: Write) -> None:
    assert paths.find(name) == paths.data_root() / "arch_configs/dram/gddr6_aim.yaml"


def test_the_current_directory_comes_first(write: Write) -> None:
    write("gddr6_aim.yaml", "kind: dram\n")
    assert paths.find("gddr6_aim") == Path("gddr6_aim.yaml")


def test_a_name_without_file_names_the_nearest_of_the_kind_asked_for() -> None:
    with pytest.raises(
        ConfigError, match=r"^there is no dram 'gddr6_aimm' \(known: nearbank list drams\); nearest: 'gddr6_aim'$"
    ):
        paths.find("gddr6_aimm", kinds=("dram",))


@pytest.mark.parametrize("listed", paths.LISTED)
def test_every_listed_name_finds_its_own_file(listed: str) -> None:
    names = paths.list_names(listed)
    folder = paths.data_root() / paths.FOLDERS[paths.LISTED[listed]]
    files = sorted(folder.rglob("*.yaml"))
    assert sorted(paths.find(name) for name in names) == files


def test_an_unknown_list_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="nearest: 'drams'"):
        paths.list_names("dram")


@pytest.fixture
def two_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shipped data in which a platform and a model, and two platforms, share their names."""
    for name in (
        "arch_configs/platforms/pim/a",
        "workloads/models/a",
        "arch_configs/platforms/pim/b",
        "arch_configs/platforms/cpu/b",
    ):
        file = tmp_path / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x: 1\n", encoding="utf-8")
    paths.shipped.cache_clear()
    monkeypatch.setattr(paths, "data_root", lambda: tmp_path)
    yield
    paths.shipped.cache_clear()


@pytest.mark.usefixtures("two_of_a_name")
def test_of_documents_with_one_name_the_kind_decides() -> None:
    assert paths.find("a", kinds=("model",)).parent.name == "models"
    assert paths.find("a", kinds=("platform",)).parent.name == "pim"


@pytest.mark.usefixtures("two_of_a_name")
def test_an_ambiguous_name_lists_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"'b' is ambiguous: it may be any of platforms/cpu/b, platforms/pim/b"):
        paths.find("b", kinds=("platform",))
    assert paths.find("cpu/b").parent.name == "cpu"


@pytest.mark.usefixtures("two_of_a_name")
def test_listed_names_are_as_long_as_they_must_be() -> None:
    assert paths.list_names("archs") == ("cpu/b", "pim/a", "pim/b")
