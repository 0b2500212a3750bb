"""The steps over images, against Pillow and imagehash used directly, and against what was drawn."""

from __future__ import annotations

import io
import itertools
import json

import imagehash
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.image_hash import hamming
from tests.fuzz.originals import IMAGES
from tests.pictures import CORNERS, quarters, scene, write_image
from tests.samples import truncate
from tests.step_calls import call_step

MOVING = {"apng", "gif-moving", "tiff-pages", "webp-moving"}
LOOKING = ("image_probe", "thumbnail", "resize", "perceptual_hash")
TURNS = [
    None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_270,
]  # fmt: skip
"""How to store an upright image so that EXIF orientation 1, 2, ... puts it upright again."""


def probe(path, **params):
    return call_step("image_probe", params, image=path)[0]


def picture(step, path, **params):
    """Return what a step makes, as an image."""
    return Image.open(io.BytesIO(call_step(step, params, image=path)[0]))


def stored_turned(path, orientation, upright):
    """Write an image turned, with the EXIF orientation that says how."""
    turn = TURNS[orientation - 1]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return write_image(path, upright if turn is None else upright.transpose(turn), exif=exif)


def exif_last(path):
    """Move the eXIf chunk of a PNG behind its pixels, where it may stand too."""
    data, chunks, at = path.read_bytes(), [], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        chunks.append(data[at:end])
        at = end
    late = [chunk for chunk in chunks if chunk[4:8] == b"eXIf"]
    assert late
    early = [chunk for chunk in chunks if chunk[4:8] not in (b"eXIf", b"IEND")]
    path.write_bytes(data[:8] + b"".join([*early, *late, chunks[-1]]))
    return path


def difference(one, other):
    """Return the mean difference of two images' values, of 255."""
    return np.abs(np.asarray(one, float) - np.asarray(other, float)).mean()


def corners(image):
    """Return the colours in the middle of the four quarters."""
    width, height = image.size
    places = itertools.product((height // 4, 3 * height // 4), (width // 4, 3 * width // 4))
    return [image.convert("RGB").getpixel((x, y)) for y, x in places]


def near(found, wanted, tolerance=12):
    return np.abs(np.subtract(found, wanted)).max() <= tolerance


@pytest.mark.parametrize("name", IMAGES)
def test_the_probe_tells_what_was_written(name, tmp_path):
    IMAGES[name](tmp_path / "image")
    told = probe(tmp_path / "image")
    format = {"apng": "png", "jp2": "jpeg2000"}.get(name, name.partition("-")[0])
    turned = name == "jpeg"  # which has an orientation
    assert told["format"] == format
    assert (told["width_px"], told["height_px"]) == ((64, 96) if turned else (96, 64))
    assert told["orientation"] == (6 if turned else 1)
    assert told["frames"] == told["frames_decoded"] == (4 if name in MOVING else 1)
    assert told["animated"] == (name in MOVING)
    assert told["has_alpha"] == (name == "png-grey-alpha")
    assert told["file_bytes"] == (tmp_path / "image").stat().st_size


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_refused(name, part, tmp_path):
    IMAGES[name](tmp_path / "image")
    truncate(tmp_path / "image", part)
    for step in LOOKING if name not in MOVING - {"webp-moving"} else LOOKING[:1]:
        with pytest.raises(UndecodableMedia):
            call_step(step, image=tmp_path / "image")


@pytest.mark.parametrize(
    ("image", "suffix", "mode", "bits"),
    [
        (Image.new("1", (9, 9)), ".png", "1", 1),
        (Image.new("RGBA", (9, 9)), ".png", "RGBA", 8),
        (Image.fromarray(np.full((9, 9), 40_000, np.uint16)), ".png", "I;16", 16),
        (Image.fromarray(np.full((9, 9), 40_000, np.uint16)), ".tif", "I;16", 16),
        (Image.fromarray(np.full((9, 9), 40_000, np.uint16)), ".pgm", "I", 16),
        (Image.fromarray(np.full((9, 9), 0.5, np.float32)), ".tif", "F", 32),
    ],
)
def test_the_probe_tells_channels_and_bits(image, suffix, mode, bits, tmp_path):
    told = probe(write_image(tmp_path / f"a{suffix}", image))
    assert (told["mode"], told["bits_per_channel"]) == (mode, bits)


def test_what_a_camera_wrote_comes_out_short_and_clean(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker\x00\x1b[31m"
    exif[ExifTags.Base.Model] = "M" * 5000
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    told = probe(write_image(tmp_path / "a.jpg", quarters(), exif=exif))
    assert told["taken_at"] == "2024:05:06 07:08:09"
    assert told["camera"].startswith("Maker")
    assert told["camera"].isprintable()
    assert len(told["camera"]) == 64


def test_the_header_alone_can_be_read(tmp_path):
    path = truncate(write_image(tmp_path / "a.jpg", scene(1)))
    told = probe(path, decode=False)
    assert (told["width_px"], told["height_px"], told["frames_decoded"]) == (640, 480, 0)


def test_an_animation_is_decoded_as_far_as_the_limit_of_pixels_allows(tmp_path):
    IMAGES["gif-moving"](tmp_path / "a.gif")
    assert probe(tmp_path / "a.gif", max_pixels=96 * 64 * 2)["frames_decoded"] == 2


@pytest.mark.parametrize("step", LOOKING)
def test_an_image_above_the_limit_is_refused_and_one_at_it_is_not(step, tmp_path):
    path = write_image(tmp_path / "a.png", quarters(100, 80))
    assert call_step(step, {"max_pixels": 8000}, image=path)
    with pytest.raises(UndecodableMedia, match="max_pixels"):
        call_step(step, {"max_pixels": 7999}, image=path)


def test_the_limit_is_the_steps_own_and_pillows_stays(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    path = write_image(tmp_path / "a.png", quarters(100, 80))
    with pytest.raises(UndecodableMedia):
        probe(path, max_pixels=10)
    probe(path)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("step", ["thumbnail", "resize"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_comes_out_upright_whichever_way_it_is_stored(step, suffix, orientation, tmp_path):
    path = stored_turned(tmp_path / f"a{suffix}", orientation, quarters(320, 200))
    made = picture(step, path, width_px=160, height_px=160)
    assert made.size == (160, 100)
    assert near(corners(made), list(CORNERS.values()))
    told = probe(path)
    assert (told["width_px"], told["height_px"], told["orientation"]) == (320, 200, orientation)


@pytest.mark.parametrize("pages", [1, 2])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_it_comes_out_upright_when_a_png_tells_how_behind_its_pixels(orientation, pages, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = orientation, "Maker"
    stored = scene(1, 80, 40).transpose(TURNS[orientation - 1])
    others = [scene(2, *stored.size)] * (pages - 1)
    path = write_image(tmp_path / "early.png", stored, exif=exif, save_all=pages > 1, append_images=others)
    late = write_image(tmp_path / "late.png", stored, exif=exif, save_all=pages > 1, append_images=others)
    exif_last(late)
    assert late.read_bytes() != path.read_bytes()
    if pages == 1:
        assert ImageOps.exif_transpose(Image.open(late)).size == (80, 40)
    for decode in (True, False):
        told = probe(late, decode=decode)
        assert told == probe(path, decode=decode)
        assert (told["width_px"], told["height_px"], told["orientation"]) == (80, 40, orientation)
        assert told["camera"] == "Maker"
    for step in ("resize", "thumbnail"):
        assert picture(step, late).size == (80, 40)
        assert picture(step, late).tobytes() == picture(step, path).tobytes()
    assert call_step("perceptual_hash", image=late)[0] == call_step("perceptual_hash", image=path)[0]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0no header of TIFF", b"Exif\0\0MM\0*\0\0\xff\xff"])
def test_damaged_exif_data_do_no_harm(exif, suffix, tmp_path):
    path = write_image(tmp_path / f"a{suffix}", quarters(), exif=exif)
    told = probe(path)
    assert (told["width_px"], told["orientation"], told["camera"], told["taken_at"]) == (320, 1, None, None)
    assert near(corners(picture("thumbnail", path)), list(CORNERS.values()))
    assert near(corners(picture("resize", path)), list(CORNERS.values()))
    assert (
        call_step("perceptual_hash", image=path)[0]
        == call_step("perceptual_hash", image=write_image(tmp_path / f"plain{suffix}", quarters()))[0]
    )


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize(("width", "box"), [(640, 320), (3000, 200)])
def test_a_thumbnail_looks_as_pillow_makes_it_from_all_pixels(suffix, width, box, tmp_path):
    path = write_image(tmp_path / f"a{suffix}", scene(3, width, width * 3 // 4))
    made = picture("thumbnail", path, width_px=box, height_px=box, format="png")
    direct = Image.open(path).convert("RGB").resize(made.size, Image.Resampling.LANCZOS)
    assert made.size == (box, box * 3 // 4)
    assert difference(made, direct) < 1


def test_resizing_is_pillows_own_to_the_bit(tmp_path):
    path = write_image(tmp_path / "a.jpg", scene(4))
    source = Image.open(path)
    made = picture("resize", path, width_px=333, height_px=111, how="exact", format="png")
    assert made.tobytes() == source.resize((333, 111), Image.Resampling.LANCZOS).tobytes()
    made = picture("resize", path, width_px=200, height_px=200, how="fill", format="png")
    direct = ImageOps.fit(source, (200, 200), Image.Resampling.LANCZOS)
    assert difference(made, direct) < 0.01


@pytest.mark.parametrize(
    ("how", "enlarge", "size"),
    [
        ("fit", False, (320, 200)),
        ("fit", True, (800, 500)),
        ("fill", False, (800, 600)),
        ("exact", False, (800, 600)),
    ],
)
def test_only_what_was_asked_for_grows(how, enlarge, size, tmp_path):
    path = write_image(tmp_path / "a.png", quarters(320, 200))
    made = picture("resize", path, width_px=800, height_px=600, how=how, enlarge=enlarge)
    assert made.size == size
    assert near(corners(made), list(CORNERS.values()))
    assert picture("thumbnail", path, width_px=800, height_px=600).size == (320, 200)


def test_a_line_of_pixels_stays_one(tmp_path):
    path = write_image(tmp_path / "a.png", Image.new("RGB", (3000, 1)))
    assert picture("thumbnail", path).size == (320, 1)


@pytest.mark.parametrize(("format", "kind"), [("jpeg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
def test_nothing_of_the_sources_metadata_is_left(format, kind, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = write_image(tmp_path / "a.jpg", scene(5), exif=exif, comment=b"secret place", icc_profile=profile)
    for step in ("thumbnail", "resize"):
        made = picture(step, path, format=format)
        assert made.format == kind
        assert not made.getexif()
        assert not {"icc_profile", "comment", "exif", "xmp"} & set(made.info)
        assert b"secret" not in call_step(step, {"format": format}, image=path)[0]


def test_colours_are_those_that_the_profile_means(tmp_path):
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ") + 4, profile.index(b"gXYZ") + 4
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    path = write_image(
        tmp_path / "a.png", Image.new("RGB", (64, 64), (230, 10, 10)), icc_profile=bytes(profile)
    )
    made = picture("thumbnail", path, format="png")
    assert near(made.getpixel((32, 32)), (10, 230, 10), 3)


def test_a_damaged_profile_does_no_harm(tmp_path):
    path = write_image(tmp_path / "a.png", quarters(), icc_profile=b"no profile" * 20)
    assert near(corners(picture("thumbnail", path)), list(CORNERS.values()))


def test_transparent_parts_become_the_background_or_stay(tmp_path):
    image = Image.new("RGBA", (64, 64), (200, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    for name, source in {"rgba": image, "palette": image.quantize(8)}.items():
        path = write_image(tmp_path / f"{name}.png", source)
        made = picture("thumbnail", path, background="#00ff00")
        assert near(made.getpixel((10, 32)), (0, 255, 0), 3)
        assert near(made.getpixel((54, 32)), (200, 0, 0), 3)
        assert picture("thumbnail", path, format="png").convert("RGBA").getpixel((10, 32))[3] == 0


@pytest.mark.parametrize(
    ("values", "suffix", "grey"),
    [
        (np.full((40, 40), 0x8040, np.uint16), ".png", 0x80),
        (np.full((40, 40), 0x8040, np.uint16), ".tif", 0x80),
        (np.linspace(0x7000, 0xA080, 1681).reshape(41, 41).astype(np.uint16), ".pgm", 0x88),
        (np.tile(np.linspace(-1, 3, 41, dtype=np.float32), (41, 1)), ".tif", 128),
    ],
)
def test_deep_images_keep_their_greys(values, suffix, grey, tmp_path):
    path = write_image(tmp_path / f"a{suffix}", Image.fromarray(values))
    assert picture("thumbnail", path, format="png").getpixel((20, 20)) == pytest.approx(grey, abs=1)


def test_a_transparent_grey_of_sixteen_bits_is_transparent(tmp_path):
    values = np.full((64, 64), 0x8040, np.uint16)
    values[:, 32:] = 0x8041
    path = write_image(tmp_path / "a.png", Image.fromarray(values), transparency=0x8040)
    assert probe(path)["has_alpha"]
    made = picture("resize", path, format="png")
    assert [made.getpixel(place) for place in ((10, 32), (54, 32))] == [(0x80, 0), (0x80, 255)]


def test_a_photo_with_a_second_picture_behind_it_is_a_whole_jpeg(tmp_path):
    preview = scene(2, 320, 240)
    path = tmp_path / "a.jpg"
    scene(1).save(path, "MPO", save_all=True, append_images=[preview])
    told = probe(path)
    assert (told["format"], told["width_px"], told["height_px"]) == ("jpeg", 640, 480)
    assert (told["frames"], told["frames_decoded"]) == (2, 2)
    for step in ("thumbnail", "resize"):
        assert difference(picture(step, path, width_px=160, height_px=160), scene(1).resize((160, 120))) < 5
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UndecodableMedia):
        probe(path)


def test_print_colours_become_screen_colours(tmp_path):
    path = write_image(tmp_path / "a.jpg", quarters().convert("CMYK"))
    made = picture("thumbnail", path)
    assert made.mode == "RGB"
    assert near(corners(made), list(CORNERS.values()))


SCENES = range(12)


@pytest.fixture(scope="module")
def hashed(tmp_path_factory):
    """Hashes of scenes, and of what became of them on their way: smaller, encoded, turned."""
    folder = tmp_path_factory.mktemp("scenes")
    found = {}
    for number in SCENES:
        image = scene(number)
        bright = image.point(lambda value: value * 0.8 + 40)
        ways = {
            "whole": write_image(folder / f"{number}.png", image),
            "jpeg 40": write_image(folder / f"{number}-40.jpg", image, quality=40),
            "webp half": write_image(folder / f"{number}-half.webp", image.resize((320, 240)), quality=60),
            "brighter": write_image(folder / f"{number}-bright.jpg", bright),
            "turned": stored_turned(folder / f"{number}-turned.jpg", 6, image),
        }
        for way, path in ways.items():
            found[number, way] = call_step("perceptual_hash", image=path)[0], path
    return found


@pytest.mark.parametrize("kind", ["phash", "dhash"])
def test_hashes_tell_the_same_picture_from_another(hashed, kind):
    far = {"same": [], "other": []}
    told = {key: found[f"{kind}_hex"] for key, (found, _) in hashed.items()}
    for one, two in itertools.combinations(told, 2):
        far["same" if one[0] == two[0] else "other"].append(hamming(told[one], told[two]))
    assert max(far["same"]) <= 8
    assert min(far["other"]) >= 14


def test_hashes_are_those_of_imagehash(hashed):
    for (_, way), (told, path) in hashed.items():
        image = ImageOps.exif_transpose(Image.open(path)).convert("L")
        assert hamming(told["phash_hex"], str(imagehash.phash(image))) <= 2, way
        assert hamming(told["dhash_hex"], str(imagehash.dhash(image))) <= 2, way
        assert told["bits"] == 64


def test_hashes_of_different_length_are_not_compared():
    assert hamming("ff00", "fe01") == 2
    with pytest.raises(ValueError, match="16 and 64 bits"):
        hamming("ffff", "f" * 16)


def test_hashes_are_plain_json(hashed):
    assert all(json.dumps(told) for told, _ in hashed.values())
