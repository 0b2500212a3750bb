"""``plan``: the pinned answer, and every selection that cannot be planned as one sentence."""

from __future__ import annotations

import io
import json
import sys

import pytest

ROCK = ("--items", "rock/a", "rock/b")


def test_the_answer_is_one_object_of_counts(media):
    media.make("downsample", "rock/a")
    said = media("plan", "--target", "beat_tracking", *ROCK, "--output", "json")
    assert said.code == 0
    assert json.loads(said.out) == {
        "jobs": {
            "downsample": {"run": 1, "present": 1, "blocked": 0},
            "beat_tracking": {"run": 2, "present": 0, "blocked": 0},
        }
    }
    assert said.err == ""


def test_cells_say_what_and_why_for_each_item_and_job(media):
    media.make("downsample", "rock/a")
    said = media("plan", "-t", "beat_tracking", "-i", "rock/a", "nosong", "--cells", "-o", "json")
    answer = json.loads(said.out)
    cells = {(cell.pop("item"), cell.pop("job")): cell for cell in answer["cells"]}
    assert cells == {
        ("nosong", "downsample"): {"action": "blocked", "reason": "source-missing"},
        ("nosong", "beat_tracking"): {"action": "blocked", "reason": "source-missing"},
        ("rock/a", "downsample"): {"action": "skip", "reason": "present"},
        ("rock/a", "beat_tracking"): {"action": "run", "reason": "missing"},
    }
    assert answer["jobs"]["beat_tracking"] == {"run": 1, "present": 0, "blocked": 1}
    assert said.code == 0, "a plan that could be made is a success, whatever it says"


def test_a_plan_writes_nothing(media):
    before = sorted(media.folder.rglob("*"))
    assert media("plan", *ROCK).code == 0
    assert sorted(media.folder.rglob("*")) == before


def test_targets_may_be_given_with_commas_and_more_than_once(media):
    def jobs(*words: str) -> list[str]:
        return list(json.loads(media("plan", *words, *ROCK, "-o", "json").out)["jobs"])

    both = ["downsample", "loudness", "beat_tracking"]
    assert jobs("--target", "beat_tracking,loudness") == both
    assert jobs("--target", "beat_tracking", "--target", " loudness,") == both


def test_force_redoes_the_job_and_what_depends_on_it(media):
    for job in ("downsample", "beat_tracking", "energy"):
        media.make(job, "rock/a")
    request = ("plan", "-t", "energy", "-i", "rock/a", "-o", "json")
    runs = lambda said: {job: counts["run"] for job, counts in json.loads(said.out)["jobs"].items()}  # noqa: E731
    assert runs(media(*request)) == {"downsample": 0, "beat_tracking": 0, "energy": 0}
    assert runs(media(*request, "--force", "beat_tracking")) == {
        "downsample": 0,
        "beat_tracking": 1,
        "energy": 1,
    }
    assert runs(media(*request, "--force-all")) == {"downsample": 1, "beat_tracking": 1, "energy": 1}


@pytest.mark.parametrize(
    ("mode", "jobs"),
    [
        ("bottom-up", ["downsample", "beat_tracking"]),
        ("top-down", ["beat_tracking", "energy"]),
        ("only", ["beat_tracking"]),
    ],
)
def test_a_mode_reaches_its_jobs(media, mode, jobs):
    said = media("plan", "-t", "beat_tracking", "--mode", mode, *ROCK, "-o", "json")
    assert list(json.loads(said.out)["jobs"]) == jobs


def test_a_prefix_a_list_and_standard_input_select_too(media, monkeypatch):
    path = media.folder / "list.txt"
    path.write_text("rock/a\nrock/b\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("rock/a\r\nrock/b\r\n\r\n"))
    for words in (("--prefix", "rock/"), ("--items-uri", str(path)), ("--items", "-")):
        said = media("plan", "-t", "loudness", *words, "-o", "json")
        assert json.loads(said.out)["jobs"]["loudness"]["run"] == 2, words


def test_doubles_are_merged_and_the_limit_counts_items(media):
    said = media("plan", "-t", "loudness", "-i", "rock/a", "rock/b", "rock/a", "--limit", "1")
    assert said.err == "1 items, 1 duplicates merged, 0 rejected\n"


def test_bad_ids_are_blocked_and_named_and_odd_ones_are_ids(media):
    for item in ("a b", "ü", "x%2Fy"):
        media.add_song(item)
    said = media("plan", "-t", "loudness", "-i", "a b", "ü", "x%2Fy", "../up", "two\nlines", "-o", "json")
    assert json.loads(said.out)["jobs"]["loudness"] == {"run": 3, "present": 0, "blocked": 2}
    up, lines = said.err.splitlines()
    assert up.startswith("rejected: item 4 of the list: '../up' has the path segment '..'; ")
    assert lines == "rejected: item 5 of the list: 'two\\nlines' holds the control character '\\n'; remove it"


def test_cells_for_people_keep_one_line_per_cell_and_no_markup(media):
    odd = ["[red]x", ":heart:", "two\nlines"]
    for output in ("table", "plain"):
        lines = media("plan", "-t", "loudness", "-i", *odd, "--cells", "-o", output).out.splitlines()
        firsts = [line.replace("\t", " ").split(" ")[0] for line in lines if "blocked" in line]
        assert sorted(firsts) == [":heart:", "[red]x", "two\\nlines"]


COULD_NOT_RUN = {
    "no selection": (
        (),
        "error: give exactly one of items, items_uri, prefix, items_query; given: none of them",
    ),
    "two selections": (
        ("-i", "a", "-p", "b"),
        "error: give exactly one of items, items_uri, prefix, items_query; given: items and prefix",
    ),
    "an empty item": (("-i", " "), "error: --items: there is not one item in it"),
    "a list that is not there": (
        ("--items-uri", "/no/such/list.txt"),
        "error: items_uri /no/such/list.txt: there is no such file",
    ),
    "a job that is not there": (
        (*ROCK, "-t", "enrgy"),
        "error: no job 'enrgy' in the registry; did you mean 'energy'?",
    ),
    "a force that is not there": (
        (*ROCK, "-f", "nothing"),
        "error: no job 'nothing' in the registry; jobs: downsample, beat_tracking, energy, loudness",
    ),
}


@pytest.mark.parametrize("what", COULD_NOT_RUN)
def test_what_cannot_be_planned_is_one_sentence_and_code_2(media, what):
    words, sentence = COULD_NOT_RUN[what]
    said = media("plan", *words, "-o", "json")
    assert (said.code, said.out, said.err) == (2, "", sentence + "\n")


def test_an_empty_list_is_code_2(media):
    path = media.folder / "list.txt"
    path.touch()
    said = media("plan", "--items-uri", str(path))
    assert said.code == 2
    assert "there is not one item in it" in said.err


def test_a_force_off_the_line_is_code_2(media):
    said = media("plan", "-t", "downsample", "-f", "energy", *ROCK)
    assert said.code == 2
    assert "energy" in said.err


def test_a_prefix_that_fits_nothing_is_code_2(media):
    said = media("plan", "-p", "jazz/")
    assert said.code == 2
    assert said.err.startswith("error: prefix jazz/: no file of the source")


def test_a_saved_inventory_of_other_buckets_is_refused(media):
    report = media.folder / "report.csv"
    report.write_text("bucket,name\nb,media/x.flac\n")
    for command in ("plan", "status"):
        said = media(command, *ROCK, "--inventory", str(report))
        assert said.code == 2
        assert f"error: inventory {report} is about gs://b; the registry has file://" in said.err


def test_a_cell_of_what_is_no_id_is_blocked_by_a_reason_of_its_own(media):
    said = media("plan", "-i", "rock/a", "../up", "-t", "downsample", "--cells", "-o", "json")
    cells = {cell["item"]: (cell["action"], cell["reason"]) for cell in json.loads(said.out)["cells"]}
    assert cells == {"rock/a": ("run", "missing"), "../up": ("blocked", "rejected")}


def test_an_id_that_is_not_utf8_is_rejected_and_no_file_is_blamed(media):
    said = media("plan", "-i", "rock/a", "rock/\udcfc", "-t", "downsample")
    assert "is not UTF-8; write it as UTF-8" in said.err
