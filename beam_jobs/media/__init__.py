"""Decode and encode: audio, image, video. Arrays in, arrays out."""
