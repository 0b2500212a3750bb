"""What is wrong with a registry, where, and that nothing wrong hides behind something else."""

# ruff: noqa: E501 - a table reads best with one case a line
from __future__ import annotations

import pytest

from airflow_media_provider.errors import RegistryError
from airflow_media_provider.registry import load_registry

from .conftest import HEAD

JOB = "step: s, needs: [source]"

ONE_FAULT = {
    "an unknown top-level key": (HEAD + f"job: 1\njobs: {{a: {{{JOB}}}}}", "4: key 'job' is not known; did you mean 'jobs'?"),
    "an unknown key of a job": (HEAD + f"jobs:\n  a: {{{JOB}, parms: {{}}}}", "5: job 'a': key 'parms' is not known; did you mean 'params'?"),
    "an unknown key of resources": (HEAD + f"jobs:\n  a: {{{JOB}, resources: {{timeout: 1}}}}", "5: job 'a': resources: key 'timeout' is not known; did you mean 'timeout_s'?"),
    "an unknown key far from any": (HEAD + "jobs:\n  a:\n    step: s\n    needs: [source]\n    zzz: 1", "8: job 'a': key 'zzz' is not known; known: step, needs, params, team, runner, resources, max_failed, output, force, ping, completion_topic, doc"),
    "a key given twice": (HEAD + f"jobs:\n  a: {{{JOB}}}\n  a: {{{JOB}}}", "6: key 'a' stands twice, first in line 5; remove one"),
    "no jobs": (HEAD + "jobs: {}", "4: jobs: there is none; add one"),
    "no step": (HEAD + "jobs:\n  a:\n    needs: [source]", "5: job 'a': key 'step' is missing"),
    "another version": (HEAD.replace("1", "2", 1) + f"jobs: {{a: {{{JOB}}}}}", "1: version: 2 is not known; write 1"),
    "a job that is no mapping": (HEAD + "jobs:\n  a: downsample", "5: job 'a': this must be a mapping, not 'downsample'"),
    "needs as one word": (HEAD + "jobs:\n  a: {step: s, needs: source}", "5: job 'a': needs: 'source' is no list; write [source]"),
    "needs nothing": (HEAD + "jobs:\n  a: {step: s, needs: []}", "5: job 'a': needs: names nothing; write [source], [a_job] or {input: a_job}"),
    "a need given twice": (HEAD + "jobs:\n  a: {step: s, needs: [source, source]}", "5: job 'a': needs: 'source' stands twice; remove one, or name the inputs: {input: source}"),
    "a need that is no job": (HEAD + f"jobs:\n  down: {{{JOB}}}\n  b:\n    step: s\n    needs:\n      - source\n      - dwn", "10: job 'b' needs 'dwn', which is not a job; did you mean 'down'?"),
    "a named need that is no job": (HEAD + "jobs:\n  b:\n    step: s\n    needs:\n      audio: sorce", "8: job 'b' needs 'sorce', which is not a job; did you mean 'source'?"),
    "a circle": (HEAD + "jobs:\n  a: {step: s, needs: [source, c]}\n  b: {step: s, needs: [a]}\n  c: {step: s, needs: [b]}", "5: jobs need each other in a circle: a needs c needs b needs a"),
    "a job that needs itself": (HEAD + "jobs:\n  a: {step: s, needs: [a]}", "5: jobs need each other in a circle: a needs a"),
    "a bad job name": (HEAD + f"jobs:\n  beat-tracking: {{{JOB}}}", "5: job 'beat-tracking': use letters, digits and '_', starting with a letter"),
    "a job called summary": (HEAD + f"jobs:\n  summary: {{{JOB}}}", "5: job 'summary': the name is taken; give it another"),
    "a ratio of one": (HEAD + f"jobs:\n  a: {{{JOB}, max_failed: 1.0}}", "5: job 'a': max_failed: 1.0 is neither a count (0, 1, 2, …) nor a ratio from 0.0 to below 1.0"),
    "a negative count": (HEAD + f"jobs:\n  a: {{{JOB}, max_failed: -1}}", "5: job 'a': max_failed: -1 is neither a count (0, 1, 2, …) nor a ratio from 0.0 to below 1.0"),
    "a truth for a count": (HEAD + f"jobs:\n  a: {{{JOB}, max_failed: yes}}", "5: job 'a': max_failed: True is neither a count (0, 1, 2, …) nor a ratio from 0.0 to below 1.0"),
    "a timeout of nothing": (HEAD + f"jobs:\n  a: {{{JOB}, resources: {{timeout_s: 0}}}}", "5: job 'a': resources.timeout_s: input should be greater than 0, not 0"),
    "a relative output": (HEAD + f"jobs:\n  a: {{{JOB}, output: 'x/{{item}}.json'}}", "5: job 'a': output: 'x/{item}.json' is relative; start it with {root}/"),
    "an output without an item": (HEAD + f"jobs:\n  a: {{{JOB}, output: '{{root}}/x.json'}}", "5: job 'a': output: template '{root}/x.json': must hold {item} exactly once"),
    "an output with an unknown field": (HEAD + f"jobs:\n  a: {{{JOB}, output: '{{root}}/{{date}}/{{item}}'}}", "5: job 'a': output: template '{root}/{date}/{item}': unknown field {date}; use {fingerprint}, {item}, {job}, {root}, {suffix}, {team}"),
    "an output in the team's folder without a team": (HEAD + f"jobs:\n  a: {{{JOB}, output: '{{root}}/{{team}}/{{item}}'}}", "5: job 'a': output: '{root}/{team}/{item}' names the team, and the job has none; give it one"),
    "an output among the runs": (HEAD + f"jobs:\n  a: {{{JOB}, output: '{{root}}/_runs/{{item}}'}}", "5: job 'a': output: '{root}/_runs/{item}' lies in {root}/_runs, where runs are kept; choose another folder"),
    "a source without an item": (f"version: 1\nroot: /a\nsource:\n  uri: /songs\njobs: {{a: {{{JOB}}}}}", "4: source.uri: template '/songs': must hold {item} exactly once"),
    "a root that is the source": (f"version: 1\nroot: file:///songs/\nsource: {{uri: '/songs/{{item}}.ogg'}}\njobs: {{a: {{{JOB}}}}}", "2: root 'file:///songs' is where the source's files are; keep artifacts apart"),
    "a file URI with too few slashes": (f"version: 1\nroot: file://data\nsource: {{uri: '/songs/{{item}}'}}\njobs: {{a: {{{JOB}}}}}", "2: root: 'file://data': file:// takes an absolute path; write file:///…"),
    "a root in the home folder": (f"version: 1\nroot: ~/media\nsource: {{uri: '/songs/{{item}}'}}\njobs: {{a: {{{JOB}}}}}", "2: root: '~/media': '~' is not read here; write ${HOME}/media"),
    "a root without a folder": (f"version: 1\nroot: 'file:///'\nsource: {{uri: '/songs/{{item}}'}}\njobs: {{a: {{{JOB}}}}}", "2: root: 'file:///' names no folder; give artifacts one"),
    "a tab": ("version: 1\njobs:\n\ta: 1\n", "3: is not YAML: found character that cannot start any token; indent with spaces, not tabs"),
    "an open bracket": ("version: 1\njobs: {a: [1, 2}\n", "2: is not YAML: did not find expected ',' or ']'"),
    "nothing at all": ("", "1: holds no mapping; a registry starts with 'version: 1'"),
    "a list": ("- a", "1: holds no mapping; a registry starts with 'version: 1'"),
}  # fmt: skip


@pytest.mark.parametrize("what", ONE_FAULT)
def test_a_fault_is_told_once_with_its_line(faults, what):
    text, fault = ONE_FAULT[what]
    assert faults(text) == [fault]


def test_every_fault_is_told_at_once_in_the_order_of_the_file(faults):
    found = faults(
        """\
version: 1
rot: /data
source: {uri: "/data/songs/{itm}.ogg"}
jobs:
  a: {step: s, needs: [sorce], max_failed: 2.0}
  b: {step: s, needs: [c]}
  c: {step: s, needs: [b], output: "{root}/nothing"}
  plan: {step: s, needs: [source]}
  plan: {step: s, needs: [source]}
"""
    )
    assert [fault.split(": ")[0] for fault in found] == ["1", "2", "3", "5", "5", "6", "7", "8", "9"]


def test_two_circles_are_two_faults(faults):
    found = faults(
        HEAD
        + "jobs:\n  a: {step: s, needs: [b]}\n  b: {step: s, needs: [a]}\n"
        + "  c: {step: s, needs: [d]}\n  d: {step: s, needs: [c]}"
    )
    assert [fault.split(": ")[0] for fault in found] == ["5", "7"]


def test_a_file_that_is_not_utf8_is_one_fault_with_its_line(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_bytes(b"version: 1\n# caf\xe9\n")
    with pytest.raises(RegistryError, match=r"registry\.yaml:2: byte 0xe9 is not UTF-8"):
        load_registry(path)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + f"jobs: {{a: {{{JOB}}}}}").encode())
    assert list(load_registry(path).jobs) == ["a"]


def test_a_missing_file_and_a_folder_are_faults(tmp_path):
    with pytest.raises(RegistryError, match=r"none\.yaml: cannot be read: No such file"):
        load_registry(tmp_path / "none.yaml")
    with pytest.raises(RegistryError, match="cannot be read: Is a directory"):
        load_registry(tmp_path)


def test_an_alias_inside_what_it_names_is_a_fault(faults):
    assert any("alias stands inside" in f for f in faults(HEAD + "jobs: &a {x: *a}"))


def test_aliases_that_multiply_end_in_a_fault_and_not_in_all_memory(faults):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert any("aliases make more than" in f for f in faults("\n".join(lines)))


def test_a_tag_that_would_run_code_is_a_fault(faults):
    found = faults(HEAD + f"jobs:\n  a: {{{JOB}, params: {{x: !!python/object/apply:os.getcwd []}}}}")
    assert found == ["5: tag 'tag:yaml.org,2002:python/object/apply:os.getcwd' is not read here; remove it"]
