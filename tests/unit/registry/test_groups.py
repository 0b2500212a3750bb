"""Groups of jobs: which can be fused, and in which order they are then done."""

from __future__ import annotations

import pytest

from airflow_media_provider.errors import RegistryError
from airflow_media_provider.registry import load_registry, media_registry
from airflow_media_provider.registry.groups import fused_with, units
from airflow_media_provider.registry.snapshot import dump_graph, load_graph

HEAD = """
version: 1
root: /artifacts
source: {uri: "/songs/{item}.ogg"}
jobs:
  downsample: {step: downsample, needs: [source]}
  loudness: {step: loudness, needs: [source]}
  beats: {step: beat_tracking, needs: [downsample]}
  energy: {step: energy, needs: [downsample, beats]}
  plots: {step: plots, needs: [downsample], runner: flink}
"""


def graph_of(groups: str, tmp_path, jobs: str = ""):
    path = tmp_path / "registry.yaml"
    path.write_text(f"{HEAD}{jobs}groups:\n{groups}")
    return load_registry(str(path))


def test_a_fused_group_is_done_where_its_first_job_can_be_and_others_stay_alone(tmp_path):
    graph = graph_of("  all: {jobs: [energy, downsample, beats], fuse: true}\n", tmp_path)
    assert units(graph, graph.order) == [("downsample", "beats", "energy"), ("loudness",), ("plots",)]
    assert units(graph, ["energy", "beats", "loudness"]) == [("loudness",), ("beats", "energy")]
    assert fused_with(graph, "beats", graph.order) == ("downsample", "beats", "energy")


def test_jobs_are_fused_only_where_the_registry_says_so(tmp_path):
    graph = graph_of("  all: {jobs: [downsample, beats]}\n", tmp_path)
    assert all(len(unit) == 1 for unit in units(graph, graph.order))


def test_a_group_waits_for_what_any_of_its_jobs_needs(tmp_path):
    graph = graph_of(
        "  late: {jobs: [loudness, energy], fuse: true}\n  early: {jobs: [downsample, beats], fuse: true}\n",
        tmp_path,
    )
    assert units(graph, graph.order)[:2] == [("downsample", "beats"), ("loudness", "energy")]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("  g: {jobs: [downsample, beets], fuse: true}\n", "group 'g': no job 'beets' in the registry"),
        (
            "  g: {jobs: [beats]}\n  h: {jobs: [beats]}\n",
            "job 'beats' is in the groups 'g' and 'h'",
        ),
        (
            "  g: {jobs: [downsample, energy], fuse: true}\n",
            "job 'beats' needs one of its jobs and is needed by another; put it into the group too",
        ),
        (
            "  g: {jobs: [downsample, plots], fuse: true}\n",
            "'downsample' and 'plots' have different runners or options",
        ),
        ("  g: {jobs: [], fuse: true}\n", "jobs: there is none; add one"),
        ("  g: {jobs: [beats], fused: true}\n", "key 'fused' is not known; did you mean 'fuse'?"),
    ],
)
def test_a_group_that_cannot_be_is_a_fault_at_its_place(tmp_path, groups, said):
    with pytest.raises(RegistryError) as caught:
        graph_of(groups, tmp_path)
    (fault,) = caught.value.faults
    assert said in fault.message
    assert fault.line >= 12


def test_groups_that_wait_for_each_other_are_a_fault(tmp_path):
    more = "  other: {step: downsample, needs: [source]}\n  tempo: {step: beat_tracking, needs: [other]}\n"
    groups = "  g: {jobs: [downsample, tempo], fuse: true}\n  h: {jobs: [beats, other], fuse: true}\n"
    with pytest.raises(RegistryError, match="the groups g, h each need a job of another first"):
        graph_of(groups, tmp_path, jobs=more)


def test_a_group_survives_a_plan_and_a_subset(tmp_path):
    graph = graph_of("  all: {jobs: [energy, downsample, beats], fuse: true}\n", tmp_path)
    assert load_graph(dump_graph(graph)) == graph
    assert graph.subset(["beats"]).groups["all"].jobs == ("downsample", "beats")


def test_a_registry_in_python_has_groups_too():
    jobs = {"downsample": {"step": "downsample", "needs": ["source"]}}
    jobs["beats"] = {"step": "beat_tracking", "needs": ["downsample"]}
    groups = {"all": {"jobs": ["downsample", "beats"], "fuse": True}}
    graph = media_registry(root="/a", source="/s/{item}.ogg", jobs=jobs, groups=groups)
    assert units(graph, graph.order) == [("downsample", "beats")]
