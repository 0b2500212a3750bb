"""From a plan and a manifest to the launch spec that a worker reads."""

from __future__ import annotations

from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runners import pipeline_options
from airflow_media_provider.runs.look import JobManifest
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores
from beam_jobs.contract.launch import LaunchSpec


def build_spec(plan: StoredPlan, manifest: JobManifest) -> LaunchSpec:
    """Return the launch spec of one job over ``manifest``."""
    made = recipe(plan.graph, manifest.job)
    job = made.job
    return LaunchSpec(
        run_id=plan.run_id,
        job=job.name,
        team=job.team,
        step=job.step,
        params=dict(job.params),
        manifest=manifest.uri,
        total=manifest.run,
        inputs={name: address.template for name, address in made.input_addresses.items()},
        needs=made.inputs,
        output=made.address.template,
        child_output=made.child_address.template if made.child_address else None,
        of_parent=made.of_parent,
        report=plan.layout.job(job.name).report,
        redo_before=plan.planned_at,
        ping=plan.query.ping,
        limits=job.limits,
        concurrency=job.concurrency,
        options=pipeline_options(job, plan.run_id),
    )


def write_spec(plan: StoredPlan, manifest: JobManifest, stores: Stores) -> str:
    """Write the launch spec of one job and return its URI."""
    uri = plan.layout.job(manifest.job).launch
    stores.for_uri(uri).write(uri, build_spec(plan, manifest).model_dump_json(indent=1).encode())
    return uri
