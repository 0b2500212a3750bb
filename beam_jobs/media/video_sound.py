"""An audio stream copied out of a video, without decoding it."""

from __future__ import annotations

from pathlib import Path

import av

from beam_jobs.contract.errors import StepError, UndecodableMedia
from beam_jobs.media.claimed import claimed_s
from beam_jobs.media.container import DEMUXERS, open_container, packets_of, refusal
from beam_jobs.media.cut import cut_reason, ends_early
from beam_jobs.media.joined import JOINED, Seams
from beam_jobs.media.sniff import sniff_video


def copy_sound(path: Path, output: Path, *, track: int) -> float:
    """Write an audio stream as it is into a Matroska file that begins at 0.

    :return: its playing time.
    :raises UndecodableMedia: when there is no such stream, or the file is damaged or ends early.
    :raises StepError: when Matroska cannot hold the codec.
    """
    kind = sniff_video(path)
    with open_container(path, DEMUXERS[kind], kind=kind) as source:
        streams = source.streams.audio
        if track >= len(streams):
            raise UndecodableMedia(f"the {kind} file has {len(streams)} audio streams and no track {track}")
        stream = streams[track]
        codec = stream.codec_context.name if stream.codec_context else "unknown"
        first, end = None, 0
        with av.open(str(output), "w", format="matroska", options={"fflags": "+bitexact"}) as file:
            try:
                copy = file.add_stream_from_template(stream)
                file.start_encoding()
            except (av.error.FFmpegError, ValueError) as error:
                raise StepError(f"cannot copy {codec} into Matroska ({error}); choose format flac") from error
            try:
                packets = packets_of(source, stream)
                for packet in Seams().straightened(packets) if kind in JOINED else packets:
                    if packet.dts is None or packet.pts is None:
                        continue
                    first = packet.pts if first is None else first
                    end = max(end, packet.pts - first + (packet.duration or 0))
                    packet.pts, packet.dts = packet.pts - first, packet.dts - first
                    packet.stream = copy
                    file.mux(packet)
            except av.error.FFmpegError as error:
                raise refusal(error, "the audio is damaged: ") from error
        if first is None or stream.time_base is None:
            raise UndecodableMedia(f"the {kind} file's audio stream {track} holds no samples")
        plays_s, claims_s = float(end * stream.time_base), claimed_s(source, stream, kind)
        if (reason := cut_reason(path, kind)) is not None:
            raise UndecodableMedia(f"the file is truncated: {reason}")
        if ends_early(plays_s, claims_s):
            raise UndecodableMedia(
                f"the file is truncated: only {plays_s:.3f} s of {claims_s:.3f} s are there"
            )
        return plays_s
