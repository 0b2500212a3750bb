"""Where items come from: a list, a list file, or the source's own files under a prefix.

A new item source is one file in :mod:`~airflow_media_provider.catalog.sources` and one line in its
``SOURCES``; a new kind of list file is one file in :mod:`~airflow_media_provider.catalog.formats` and
one line in its ``FORMATS``. Both only yield :class:`~airflow_media_provider.catalog.rows.Rows`; what is
an item, what is rejected and what is a double is decided in one place for all of them.
"""
