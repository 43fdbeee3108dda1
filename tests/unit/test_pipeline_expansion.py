"""Which pictures pipelines make, known from sizes alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.pipelines import MAX_DERIVED, SAME, Operation, Pipeline, derived_id
from shared.pipelines.arguments import Crop, Fit, Resize, Rotate, Split, Tile, argument_of
from shared.pipelines.expansion import check_picture, most_derived, pieces_of, then

SIDES = st.integers(1, 200)
TURNS = st.sampled_from([90, 180, 270]).map(lambda degrees: Rotate(degrees=degrees))
TILES = st.builds(
    lambda width, height, share: Tile(width=width, height=height, overlap=int(share * (min(width, height) - 1) / 2)),
    st.integers(20, 90),
    st.integers(20, 90),
    st.floats(0, 1),
)
RESIZES = st.builds(lambda width, height: Resize(width=width, height=height), SIDES, SIDES)
FITS = st.builds(lambda width, height: Fit(width=width, height=height), SIDES, SIDES)
ARGUMENTS = st.one_of(TURNS, TILES, RESIZES, FITS, st.just(Split()))


def mapped(affine, x, y):
    a, b, tx, c, d, ty = affine
    return a * x + b * y + tx, c * x + d * y + ty


def corners(piece):
    return [mapped(piece.affine, x, y) for x in (0, piece.width) for y in (0, piece.height)]


@given(argument=st.one_of(TILES, st.just(Split())), width=SIDES, height=SIDES)
def test_parts_cover_every_pixel_and_quarters_cover_it_once(argument, width, height):
    covered = [[0] * width for _ in range(height)]
    for piece in pieces_of(argument, width, height):
        assert piece.width > 0
        assert piece.height > 0
        assert mapped(piece.affine, 0, 0) == (piece.left, piece.top)
        for y in range(piece.top, piece.top + piece.height):
            for x in range(piece.left, piece.left + piece.width):
                covered[y][x] += 1
    counts = {count for row in covered for count in row}
    assert min(counts) >= 1
    assert counts == {1} or isinstance(argument, Tile)


@given(argument=st.one_of(TURNS, RESIZES, FITS), width=SIDES, height=SIDES)
def test_a_whole_picture_maps_to_the_whole_of_what_it_was_made_of(argument, width, height):
    [piece] = pieces_of(argument, width, height)
    xs, ys = zip(*corners(piece), strict=True)
    assert (min(xs), max(xs)) == (0, pytest.approx(width))
    assert (min(ys), max(ys)) == (0, pytest.approx(height))


@given(arguments=st.lists(ARGUMENTS, max_size=3), width=SIDES, height=SIDES)
def test_chains_map_into_the_original(arguments, width, height):
    pictures = [(width, height, SAME)]
    for argument in arguments:
        pictures = [
            (piece.width, piece.height, then(affine, piece.affine))
            for wide, high, affine in pictures[:20]
            for piece in pieces_of(argument, wide, high)
        ]
    for wide, high, affine in pictures:
        for x in (0, wide):
            for y in (0, high):
                at = mapped(affine, x, y)
                assert -1e-6 <= at[0] <= width + 1e-6
                assert -1e-6 <= at[1] <= height + 1e-6


@given(arguments=st.lists(ARGUMENTS, max_size=4), width=SIDES, height=SIDES)
def test_no_picture_becomes_more_than_its_pipeline_could_make_of_any(arguments, width, height):
    sizes = [(width, height)]
    for argument, most in zip(arguments, most_derived(arguments), strict=True):
        sizes = [(piece.width, piece.height) for size in sizes[:20] for piece in pieces_of(argument, *size)]
        assert len(sizes) <= most


def test_a_fitted_picture_is_never_enlarged():
    assert [(one.width, one.height) for one in pieces_of(Fit(width=416, height=416), 768, 576)] == [(416, 312)]
    assert [(one.width, one.height) for one in pieces_of(Fit(width=416, height=416), 9_999, 1)] == [(416, 1)]
    assert [(one.width, one.height) for one in pieces_of(Fit(width=416, height=416), 20, 30)] == [(20, 30)]


@pytest.mark.parametrize(
    ("crop", "place"),
    [
        ({"left": 10, "top": 20, "width": 30, "height": 40}, (10, 20, 30, 40)),
        ({"left": 90, "top": 0, "width": 30, "height": 10}, (90, 0, 10, 10)),
        ({"left": 0.25, "top": 0, "width": 0.5, "height": 1}, (25, 0, 50, 60)),
        ({"left": 0, "top": 0, "width": 1, "height": 1}, (0, 0, 1, 1)),
        ({"left": 0.5, "top": 0.5, "width": 1, "height": 1}, (50, 30, 50, 30)),
    ],
)
def test_a_crop_is_in_pixels_or_in_shares_and_is_clipped(crop, place):
    [piece] = pieces_of(argument_of(Operation(name="crop", argument=crop)), 100, 60)
    assert (piece.left, piece.top, piece.width, piece.height) == place


@pytest.mark.parametrize("crop", [(100, 0, 10, 10), (0, 60, 10, 10), (0.999, 0, 0.0001, 1)])
def test_a_crop_without_a_pixel_is_refused(crop):
    left, top, width, height = crop
    argument = Crop(left=left, top=top, width=width, height=height, in_shares=isinstance(left, float))
    with pytest.raises(Invalid, match="no pixel"):
        pieces_of(argument, 100, 60)


def checked(operations, width, height):
    pipeline = Pipeline(operations=tuple(Operation(name=name, argument=argument) for name, argument in operations))
    check_picture(pipeline, width, height)


def test_split_five_times_is_1024_pictures():
    assert list(most_derived([Split()] * 5))[-1] == MAX_DERIVED
    checked([("split", True)] * 5, 5_000, 5_000)
    with pytest.raises(Invalid, match=r"operation 6 of the pipeline \(split\).*1,024 pictures"):
        checked([("split", True)] * 6, 5_000, 5_000)
    checked([("split", True)] * 6, 1, 1)


def test_a_tile_bomb_is_refused_without_being_listed():
    with pytest.raises(Invalid, match="1,024 pictures"):
        checked([("tile", {"size": "1x1", "overlap": 0})], 5_000, 5_000)
    assert list(most_derived([Tile(width=1, height=1)])) == [100_000_000]
    assert list(most_derived([Resize(width=64, height=64), Tile(width=8, height=8)])) == [1, 64]


def test_too_many_pixels_are_refused():
    with pytest.raises(Invalid, match="more than 25 megapixels"):
        list(most_derived([Resize(width=5_001, height=5_000)]))
    with pytest.raises(Invalid, match="100 megapixels in all"):
        checked([("tile", "50x50"), ("resize", "1000x1000")], 600, 600)


def test_ids_come_from_the_path_alone():
    one = derived_id("5b" * 16, ((0, 3), (2, 1)))
    assert one == derived_id("5b" * 16, ((0, 3), (2, 1)))
    assert len({one, derived_id("5b" * 16, ()), derived_id("5b" * 16, ((0, 31), (2, 1))), "5b" * 16}) == 4
