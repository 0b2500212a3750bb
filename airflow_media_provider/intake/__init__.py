"""From messages that announce uploads to list files that a plan reads.

The order makes it safe: messages are pulled, a batch of them is written to storage, only then they are
acknowledged, and only then Airflow hears of the batch. A crash before the write leaves the messages with
Pub/Sub; a crash after it leaves a batch without the mark of a plan, which the next start announces again,
and whoever collects looks for such batches now and then.
A message that comes a second time is known by its id and not put into another batch.
"""
