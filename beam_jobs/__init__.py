"""What a Beam worker runs. Nothing here imports Airflow or ``airflow_media_provider``."""
