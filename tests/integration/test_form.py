"""The trigger form in a real browser: paste, choose, trigger, look at the run's Media tab."""

from __future__ import annotations

import re

import pytest

from tests.airflow_env import AirflowClient
from tests.integration.browser import find_browser, open_page
from tests.integration.catalog import Catalog

pytestmark = [
    pytest.mark.scheduler,
    pytest.mark.skipif(
        find_browser() is None, reason="no Chromium on this machine (apt-get install chromium)"
    ),
]


def test_pasted_lines_become_a_green_run_whose_media_tab_shows_the_counts(
    airflow: AirflowClient, catalog: Catalog
) -> None:
    items = catalog.add(["form/a", "form/b ü"])
    pasted = [*items, "form/not there"]
    with open_page() as page:
        page.goto(f"{airflow.url}/dags/songs")
        page.get_by_role("button", name="Trigger").first.click()
        form = page.get_by_role("dialog")
        form.locator("#element_items").fill("\n".join(pasted) + "\n")
        form.locator("#element_targets").click()
        page.keyboard.type("loudness")
        page.keyboard.press("Enter")
        form.get_by_role("button", name="Trigger").click()
        page.wait_for_url(re.compile(r"/dags/songs/runs/"))

        (run,) = [run for run in airflow.runs("songs") if list(run.conf.get("items", ()))[:3] == pasted]
        assert run.conf["targets"] == ["loudness"]
        assert airflow.wait_for_run(run).state == "success"
        assert set(catalog.made("loudness", "form")) == set(items)

        page.get_by_role("link", name="Media", exact=True).first.click()
        table = page.frame_locator("iframe").get_by_role("row")
        cells = table.filter(has_text="loudness").inner_text().split()
        # run, present, blocked as planned; done, present, failed, blocked as it came
        assert cells == ["loudness", "platform", "2", "0", "1", "2", "0", "0", "1"]
