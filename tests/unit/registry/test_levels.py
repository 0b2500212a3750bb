"""What a job works on: items, or the children that another job has made of them."""

from __future__ import annotations

import pytest

from airflow_media_provider.errors import PlanError, RegistryError
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.stream_spec import stream_spec
from tests.unit.runs.splitting import STEPS, splitting_graph

GRAPH = splitting_graph()
SUBSCRIPTION = "projects/p/subscriptions/s"


@pytest.mark.parametrize(
    ("job", "level", "of_parent"),
    [("cut", None, ()), ("shout", "cut", ()), ("letters", "cut", ()), ("place", "cut", ("index", "text")),
     ("words", None, ())],
)  # fmt: skip
def test_the_level_of_a_job_follows_from_what_its_inputs_are(job, level, of_parent):
    made = recipe(GRAPH, job)
    assert (made.level, made.of_parent) == (level, of_parent)


def test_children_are_offered_first_and_the_index_to_who_takes_only_that():
    cut, place = recipe(GRAPH, "cut"), recipe(GRAPH, "place")
    assert cut.child_address.of("a/b/~00002") == f"{cut.address.prefix}a/b/~00002.word"
    assert place.input_addresses == {
        "word": cut.child_address,
        "index": cut.address,
        "text": recipe(GRAPH, "cut").input_addresses["text"],
    }
    assert recipe(GRAPH, "words").input_addresses == {"index": cut.address}
    anything = splitting_graph(any={"step": f"{STEPS}:shout_anything", "needs": ["cut"]})
    assert recipe(anything, "any").input_addresses == {"anything": cut.child_address}


def test_how_children_end_can_be_a_parameter():
    cut = {"step": f"{STEPS}:cut_as_told", "needs": ["source"], "params": {"suffix": ".shout"}}
    graph = splitting_graph(cut=cut, shout={"step": f"{STEPS}:count_letters", "needs": ["cut"]})
    assert recipe(graph, "shout").input_addresses["shout"].suffix == ".shout"
    assert recipe(graph, "shout").level == "cut"


def test_what_is_wrong_with_a_level_stops_a_plan_too():
    graph = splitting_graph(again={"step": f"{STEPS}:cut_again", "needs": ["cut"]})
    with pytest.raises(RegistryError, match="items are split once"):
        _ = recipe(graph, "again").level


def test_a_stream_carries_no_children():
    with pytest.raises(PlanError, match="'shout' works on the children that 'cut' makes of an item"):
        stream_spec(GRAPH, "letters", subscription=SUBSCRIPTION)
    (job,) = stream_spec(GRAPH, "cut", subscription=SUBSCRIPTION).line
    assert job.spec.child_output == recipe(GRAPH, "cut").child_address.template


def test_a_stream_runs_no_model():
    params = {"model": "/m.onnx", "kind": "audio"}
    graph = splitting_graph(
        source="memory://bucket/songs/{item}.ogg",
        ask={"step": "run_model", "needs": ["source"], "params": params},
    )
    with pytest.raises(PlanError, match="the step of 'ask' runs a model, and a stream has no place for that"):
        stream_spec(graph, "ask", subscription=SUBSCRIPTION)
