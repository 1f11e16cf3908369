"""Writes arrays with zarr-python and tensorstore for our reader: `python make_zarr_arrays.py FOLDER`.

Makes FOLDER/NAME, an array, and FOLDER/NAME.raw, its elements little-endian with the last axis fastest, for every NAME, and
FOLDER/expectations.json: a list of {name, writer, version, dtype, shape, chunks, innerChunks, dimensionNames}. The expected
elements come from NumPy, not from reading back. The arrays cover version x order x type x byte order x codec x separator x
sharding x fill value x missing and edge chunks.
"""

import itertools
import json
import lzma
import pathlib
import sys
import warnings

import numpy as np
import tensorstore as ts
import zarr
from numcodecs import BZ2, LZ4, LZMA, Blosc, Delta, GZip, Shuffle, Zlib, Zstd
from numcodecs.checksum32 import CRC32C
from zarr.codecs import (
    BloscCodec,
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    ShardingCodec,
    TransposeCodec,
    ZstdCodec,
)

warnings.filterwarnings("ignore")

FOLDER = pathlib.Path(sys.argv[1])
ARRAYS = []

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64"]
TYPES = ["bool"] + INTEGERS + FLOATS

# (shape, chunks): edge chunks along every axis, one chunk larger than the array, one axis, five axes, even chunks.
SHAPES = [
    ((7, 10, 13), (3, 4, 5)),
    ((5, 6, 7), (8, 8, 8)),
    ((61,), (16,)),
    ((2, 3, 4, 9, 11), (1, 1, 3, 9, 4)),
    ((8, 12, 10), (4, 6, 5)),
    ((9, 31), (9, 8)),
]


def values(dtype, shape, seed):
    """Smooth along one axis, so that codecs have something to do, with noise and every extreme of the type."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    dtype = np.dtype(dtype)
    if dtype == bool:
        data = random.integers(0, 2, count).astype(bool)
    elif dtype.kind in "iu":
        info = np.iinfo(dtype)
        data = (np.arange(count) // 7 + random.integers(0, 3, count)).astype(dtype)
        data[: min(2, count)] = [info.min, info.max][: min(2, count)]
    else:
        data = (np.arange(count) / 64 + random.normal(size=count)).astype(dtype)
        special = [np.nan, np.inf, -np.inf, -0.0][: max(0, count - 1)]
        data[: len(special)] = special
    return data.reshape(shape)


def fills(dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return [False, True]
    if kind in "iu":
        info = np.iinfo(dtype)
        return [0, info.max, info.min, 42]
    return [0.0, float("nan"), float("inf"), float("-inf"), 0.1, -2.5]


def is_missing(index):
    """Whether a chunk, by its number along each axis, is left unwritten."""
    return sum(index) % 4 == 3 or all(i == 1 for i in index)


def fill_array(write, dtype, shape, chunks, fill, seed):
    """Writes all chunks but some, and gives what the array then holds."""
    data = values(dtype, shape, seed)
    expected = np.full(shape, 0 if fill is None else fill, dtype)
    grid = [range(-(-n // c)) for n, c in zip(shape, chunks)]
    for index in itertools.product(*grid):
        box = tuple(slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, chunks, shape))
        if shape and is_missing(index):
            continue
        write(box, data[box])
        expected[box] = data[box]
    return expected


def record(name, writer, version, expected, chunks, inner=None, names=None):
    little = expected.astype(expected.dtype.newbyteorder("<"))
    (FOLDER / f"{name}.raw").write_bytes(little.tobytes(order="C"))
    ARRAYS.append(
        {
            "name": name,
            "writer": writer,
            "version": version,
            "dtype": expected.dtype.name,
            "shape": list(expected.shape),
            "chunks": list(chunks),
            "innerChunks": list(inner or chunks),
            "dimensionNames": names,
        }
    )


def zarr2(name, dtype, shape, chunks, compressor, order, endian, separator, fill, **more):
    array = zarr.create_array(
        str(FOLDER / name), shape=shape, chunks=chunks, dtype=np.dtype(dtype).newbyteorder(endian), zarr_format=2,
        compressors=compressor, order=order, fill_value=fill, chunk_key_encoding={"name": "v2", "separator": separator},
        config={"write_empty_chunks": True}, **more,
    )
    expected = fill_array(array.__setitem__, dtype, shape, chunks, fill, len(ARRAYS))
    record(name, "zarr-python", 2, expected, chunks)


def zarr3(name, dtype, shape, chunks, fill, keys, serializer, compressors=(), filters=(), shards=None, names=None, inner=None):
    array = zarr.create_array(
        str(FOLDER / name), shape=shape, chunks=chunks, shards=shards, dtype=dtype, zarr_format=3, fill_value=fill,
        chunk_key_encoding=keys, serializer=serializer, compressors=compressors, filters=filters, dimension_names=names,
        config={"write_empty_chunks": False},
    )
    expected = fill_array(array.__setitem__, dtype, shape, inner or chunks, fill, len(ARRAYS))
    record(name, "zarr-python", 3, expected, shards or chunks, inner or chunks, names)


def tensorstore2(name, dtype, shape, chunks, compressor, order, endian, separator, fill):
    stored = np.dtype(dtype).newbyteorder(endian).str
    array = ts.open(
        {
            "driver": "zarr",
            "kvstore": {"driver": "file", "path": str(FOLDER / name)},
            "metadata": {
                "shape": shape, "chunks": chunks, "dtype": stored, "compressor": compressor, "order": order,
                "fill_value": json_fill(fill), "dimension_separator": separator,
            },
        },
        create=True,
    ).result()
    expected = fill_array(lambda box, data: array[box].write(data).result(), dtype, shape, chunks, fill, len(ARRAYS))
    record(name, "tensorstore", 2, expected, chunks)


def tensorstore3(name, dtype, shape, chunks, codecs, fill, keys, inner=None, names=None):
    metadata = {
        "shape": shape, "data_type": dtype, "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
        "chunk_key_encoding": keys, "codecs": codecs, "fill_value": json_fill(fill),
    }
    if names:
        metadata["dimension_names"] = names
    array = ts.open(
        {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(FOLDER / name)}, "metadata": metadata}, create=True
    ).result()
    expected = fill_array(
        lambda box, data: array[box].write(data).result(), dtype, shape, inner or chunks, fill, len(ARRAYS)
    )
    record(name, "tensorstore", 3, expected, chunks, inner, names)


def json_fill(fill):
    if isinstance(fill, float) and not np.isfinite(fill):
        return "NaN" if np.isnan(fill) else "Infinity" if fill > 0 else "-Infinity"
    return fill


def turn(number, choices):
    return choices[number % len(choices)]


def version2_by_zarr():
    codecs = {
        "none": None, "zlib": Zlib(6), "gzip": GZip(5), "zstd": Zstd(3), "zstd-checksum": Zstd(1, checksum=True),
        "lz4": LZ4(1), "bz2": BZ2(9),
    }
    number = 0
    for codec, order, endian in itertools.product(codecs, "CF", "<>"):
        dtype = turn(number, TYPES)
        shape, chunks = turn(number, SHAPES)
        zarr2(
            f"z2-{codec}-{order}-{'le' if endian == '<' else 'be'}", dtype, shape, chunks, codecs[codec], order, endian,
            turn(number // 3, "./"), turn(number // 2, fills(dtype) + [None]),
        )
        number += 1
    shuffles = {"auto": -1, "none": 0, "byte": 1, "bit": 2}
    for cname, shuffle in itertools.product(["blosclz", "lz4", "lz4hc", "zlib", "zstd"], shuffles):
        dtype = turn(number, TYPES)
        shape, chunks = turn(number, SHAPES)
        codec = Blosc(cname, clevel=5, shuffle=shuffles[shuffle], blocksize=turn(number, [0, 256]))
        zarr2(
            f"z2-blosc-{cname}-{shuffle}", dtype, shape, chunks, codec, turn(number, "CCF"), turn(number, "<<<>"),
            turn(number, "./"), turn(number, fills(dtype)),
        )
        number += 1
    for dtype, endian in itertools.product(TYPES, "<>"):
        zarr2(
            f"z2-type-{dtype}-{'le' if endian == '<' else 'be'}", dtype, *SHAPES[0], Blosc("zstd"), turn(number, "CF"), endian,
            ".", turn(number, fills(dtype)),
        )
        number += 1
    zarr2("z2-scalar", "uint16", (), (), Zlib(1), "C", "<", ".", 3)
    zarr2("z2-filters", "uint16", *SHAPES[0], Zlib(1), "C", "<", ".", 3, filters=[Zstd(1)])
    zarr2("z2-filters-crc32c", "uint16", *SHAPES[0], Zlib(1), "C", "<", ".", 3, filters=[CRC32C()])
    zarr2("z2-filters-crc32c-end", "int16", *SHAPES[0], CRC32C(location="end"), "C", "<", ".", 3, filters=[Zlib(1)])
    for dtype, stored in [("<u2", "<u2"), (">i4", ">i4"), ("<i2", ">i8"), ("<u1", "|u1")]:
        name = "z2-delta" if dtype == "<u2" else f"z2-delta-{dtype[1:]}-{stored[1:]}"
        zarr2(
            name, np.dtype(dtype).name, *SHAPES[0], Zlib(1), "CF"[dtype == "<u2"], dtype[0], ".", 3,
            filters=[Delta(dtype=dtype, astype=stored)],
        )
    for size in [1, 2, 4]:
        zarr2(f"z2-shuffle-{size}", "uint32", *SHAPES[0], Zlib(1), "C", "<", ".", 3, filters=[Shuffle(size)])
    raw = [{"id": lzma.FILTER_DELTA, "dist": 2}, {"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 16}]
    for name, codec in {
        "xz": LZMA(), "crc32": LZMA(check=lzma.CHECK_CRC32, preset=1), "alone": LZMA(format=lzma.FORMAT_ALONE),
        "raw": LZMA(format=lzma.FORMAT_RAW, filters=raw),
        "raw1": LZMA(format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "preset": 6}]),
    }.items():
        zarr2(f"z2-lzma-{name}", "uint16", *SHAPES[0], codec, "C", "<", ".", 3)
    zarr2("z2-large", "uint16", (40, 130, 120), (17, 64, 120), Blosc("lz4", shuffle=2), "F", "<", "/", 3)


STANDARD = {"name": "default", "configuration": {"separator": "/"}}
KEYS = [
    STANDARD,
    {"name": "default", "configuration": {"separator": "."}},
    {"name": "v2", "configuration": {"separator": "."}},
    {"name": "v2", "configuration": {"separator": "/"}},
]


def version3_by_zarr():
    codecs = {
        "none": [], "gzip": [GzipCodec(level=5)], "zstd": [ZstdCodec(level=3)],
        "zstd-checksum": [ZstdCodec(level=0, checksum=True)], "crc32c": [Crc32cCodec()],
        "gzip-crc32c": [GzipCodec(level=1), Crc32cCodec()], "crc32c-zstd": [Crc32cCodec(), ZstdCodec(level=1)],
        "zstd-gzip": [ZstdCodec(level=1), GzipCodec(level=1)],
    }
    number = 0
    for codec, endian in itertools.product(codecs, ["little", "big"]):
        dtype = turn(number, TYPES)
        shape, chunks = turn(number, SHAPES)
        order = np.random.default_rng(number).permutation(len(shape))
        zarr3(
            f"z3-{codec}-{endian}", dtype, shape, chunks, turn(number, fills(dtype)), turn(number, KEYS),
            BytesCodec(endian=endian), codecs[codec], [TransposeCodec(order=[int(i) for i in order])] if number % 2 else [],
        )
        number += 1
    for cname, shuffle in itertools.product(["blosclz", "lz4", "lz4hc", "zlib", "zstd"], ["noshuffle", "shuffle", "bitshuffle"]):
        dtype = turn(number, TYPES)
        shape, chunks = turn(number, SHAPES)
        blosc = BloscCodec(cname=cname, clevel=5, shuffle=shuffle, typesize=np.dtype(dtype).itemsize)
        zarr3(
            f"z3-blosc-{cname}-{shuffle}", dtype, shape, chunks, turn(number, fills(dtype)), turn(number, KEYS),
            BytesCodec(endian="little"), [blosc],
        )
        number += 1
    for dtype in TYPES:
        zarr3(
            f"z3-type-{dtype}", dtype, *SHAPES[3], turn(number, fills(dtype)), STANDARD, BytesCodec(endian="little"),
            [ZstdCodec()], names=["t", "c", None, "y", "x"],
        )
        number += 1
    for codec in ["zlib", "lz4", "bz2", "zstd", "crc32c"]:
        zarr3(
            f"z3-numcodecs-{codec}", "int16", *SHAPES[0], -3, STANDARD, BytesCodec(endian="little"),
            [getattr(zarr.codecs.numcodecs, {"zlib": "Zlib", "lz4": "LZ4", "bz2": "BZ2", "zstd": "Zstd", "crc32c": "CRC32C"}[codec])()],
        )
    filters = zarr.codecs.numcodecs
    zarr3("z3-numcodecs-lzma", "int16", *SHAPES[0], -3, STANDARD, BytesCodec(endian="little"), [filters.LZMA()])
    zarr3(
        "z3-numcodecs-shuffle", "uint16", *SHAPES[0], 3, STANDARD, BytesCodec(endian="little"),
        [filters.Shuffle(elementsize=2), filters.Zlib(level=1)],
    )
    for endian in ["little", "big"]:
        zarr3(
            f"z3-numcodecs-delta-{endian}", "uint16", *SHAPES[0], 3, STANDARD, BytesCodec(endian=endian), [GzipCodec(level=1)],
            [filters.Delta(dtype="<u2")],
        )
    zarr3("z3-scalar", "float32", (), (), 1.5, STANDARD, BytesCodec(endian="little"), [])

    shards = [((7, 10, 13), (6, 8, 10), (3, 4, 5)), ((5, 6, 7), (8, 8, 8), (4, 2, 8)), ((61,), (32,), (8,))]
    inner = {
        "none": [BytesCodec(endian="little")],
        "zstd": [BytesCodec(endian="big"), ZstdCodec(level=1)],
        "blosc": [BytesCodec(endian="little"), BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=2)],
        "crc32c": [BytesCodec(endian="little"), GzipCodec(level=1), Crc32cCodec()],
    }
    for codec, location in itertools.product(inner, ["start", "end"]):
        dtype = turn(number, ["uint16", "float32", "int16", "float64", "uint8"])
        shape, shard, chunk = turn(number, shards)
        index = [BytesCodec(endian="little"), Crc32cCodec()] if number % 3 else [BytesCodec(endian="big")]
        sharding = ShardingCodec(chunk_shape=chunk, codecs=inner[codec], index_codecs=index, index_location=location)
        zarr3(
            f"z3-shard-{codec}-{location}", dtype, shape, shard, turn(number, fills(dtype)), STANDARD, sharding, inner=chunk,
        )
        number += 1
    twice = ShardingCodec(
        chunk_shape=(4, 4, 10),
        codecs=[ShardingCodec(chunk_shape=(2, 4, 5), codecs=[BytesCodec(endian="little"), ZstdCodec(level=1)])],
    )
    zarr3("z3-shard-in-shard", "uint16", (9, 10, 21), (8, 8, 20), 7, STANDARD, twice, inner=(2, 4, 5))
    around = ShardingCodec(chunk_shape=(3, 4, 5), codecs=[BytesCodec(endian="little")], index_location="start")
    zarr3("z3-shard-in-zstd", "uint16", (7, 10, 13), (6, 8, 10), 7, STANDARD, around, [ZstdCodec(level=1)], inner=(3, 4, 5))
    # As zarr-python makes shards by itself.
    zarr3(
        "z3-shard-default", "uint16", (7, 10, 13), (3, 4, 5), 7, STANDARD, "auto", "auto", shards=(6, 8, 10),
        names=["z", "y", "x"],
    )


def version2_by_tensorstore():
    codecs = {
        "none": None, "zlib": {"id": "zlib", "level": 4}, "gzip": {"id": "gzip", "level": 4}, "zstd": {"id": "zstd", "level": 2},
        "bz2": {"id": "bz2", "level": 2},
        "blosc-lz4": {"id": "blosc", "cname": "lz4", "clevel": 3, "shuffle": 1, "blocksize": 0},
        "blosc-zstd": {"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": -1, "blocksize": 0},
        "blosc-snappy": {"id": "blosc", "cname": "snappy", "clevel": 3, "shuffle": 2, "blocksize": 0},
    }
    for number, (codec, order) in enumerate(itertools.product(codecs, "CF")):
        dtype = turn(number, TYPES)
        shape, chunks = turn(number, SHAPES)
        try:
            tensorstore2(
                f"t2-{codec}-{order}", dtype, shape, chunks, codecs[codec], order, turn(number, "<>"), turn(number // 2, "./"),
                turn(number // 2, fills(dtype) + [None]),
            )
        except ValueError as error:
            if "snappy" not in str(error):
                raise


def version3_by_tensorstore():
    def codec(name, **configuration):
        return {"name": name, "configuration": configuration} if configuration else {"name": name}

    little, big = codec("bytes", endian="little"), codec("bytes", endian="big")
    codecs = {
        "none": [little], "big": [big], "gzip": [little, codec("gzip", level=5)], "zstd": [big, codec("zstd", level=3)],
        "blosc": [little, codec("blosc", cname="zstd", clevel=3, shuffle="bitshuffle", typesize=2, blocksize=0)],
        "crc32c": [little, codec("zstd", level=1), codec("crc32c")],
    }
    number = 0
    for name, transposed in itertools.product(codecs, [False, True]):
        dtype = turn(number, TYPES)
        shape, chunks = turn(number, SHAPES)
        order = [codec("transpose", order=list(range(len(shape)))[::-1])] if transposed else []
        chain = order + codecs[name]
        if np.dtype(dtype).itemsize == 1:
            chain = [codec("bytes") if step["name"] == "bytes" else step for step in chain]
        tensorstore3(
            f"t3-{name}-{'transposed' if transposed else 'plain'}", dtype, shape, chunks, chain, turn(number, fills(dtype)),
            turn(number, KEYS),
        )
        number += 1
    index = [little, codec("crc32c")]
    for name, location in itertools.product(codecs, ["start", "end"]):
        dtype = turn(number, ["uint16", "float32", "int32"])
        # The shard is cut after it was transposed, so its inner chunks are named in the other order.
        sharding = codec(
            "sharding_indexed", chunk_shape=[5, 4, 3], codecs=codecs[name], index_codecs=index, index_location=location
        )
        tensorstore3(
            f"t3-shard-{name}-{location}", dtype, (7, 10, 13), (6, 8, 10), [codec("transpose", order=[2, 1, 0]), sharding],
            turn(number, fills(dtype)), STANDARD, inner=(3, 4, 5), names=["z", "y", "x"],
        )
        number += 1


version2_by_zarr()
version3_by_zarr()
version2_by_tensorstore()
version3_by_tensorstore()
(FOLDER / "expectations.json").write_text(json.dumps(ARRAYS))
print(len(ARRAYS))
