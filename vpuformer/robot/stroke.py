"""A stroke along the middle of a region, as a hand would draw it."""

import heapq
from itertools import pairwise

import numpy as np

from vpuformer.robot.mistakes import depth

GRID = 40  # cells along the region's longer side
VERTICES = 24  # at most so many in a stroke
NEIGHBOURS = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)


def middle_stroke(region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vertices (x, y) `[M, 2]` of a smooth stroke inside the region, M <= 24.

    The path runs between two far ends of the region and prefers its depth; its ends stay away
    from the tips, and it sways a little. Its segments stay on the region, looked
    at every quarter of a pixel.

    Args:
        region: bool `[H, W]`, one connected piece, not empty.
        rng: where the ends are cut and how the hand sways.
    """
    deep = depth(region)
    nodes, depths = _cells(deep)
    start = max(nodes, key=lambda cell: (depths[cell], cell))
    tip, _ = _farthest(nodes, depths, start)
    _, path = _farthest(nodes, depths, tip)
    line = _resample(np.array([nodes[cell] for cell in path], dtype=np.float64), 64)
    low, high = rng.uniform(0.08, 0.2, 2)
    line = _smooth(line)[int(64 * low) : 64 - int(64 * high)]
    line = _sway(line, deep, rng)
    length = float(np.hypot(*np.diff(line, axis=0).T).sum())
    line = _resample(line, int(np.clip(length / 6, 2, VERTICES))) if length >= 1 else line[:1]
    return _clip(line, region, nodes[start])


def _cells(deep: np.ndarray) -> tuple[dict, dict]:
    """Grid cells that hold a part of the region: their deepest pixel (x, y), and its depth."""
    rows, columns = np.nonzero(deep)
    top, left = rows.min(), columns.min()
    step = max(1, -(-int(max(np.ptp(rows), np.ptp(columns)) + 1) // GRID))
    values = deep[rows, columns]
    nodes, depths = {}, {}
    for at in np.argsort(values, kind="stable"):  # the deepest pixel is written last
        cell = ((rows[at] - top) // step, (columns[at] - left) // step)
        nodes[cell], depths[cell] = (columns[at], rows[at]), values[at]
    return nodes, depths


def _farthest(nodes: dict, depths: dict, start: tuple) -> tuple[tuple, list[tuple]]:
    """The cell at the end of the longest of all cheapest paths from `start`, and that path."""
    scale = max(depths.values())
    cost, length, before = {start: 0.0}, {start: 0.0}, {start: start}
    heap, done = [(0.0, start)], set()
    while heap:
        spent, here = heapq.heappop(heap)
        if here in done:
            continue
        done.add(here)
        for i, j in NEIGHBOURS:
            there = (here[0] + i, here[1] + j)
            if there not in nodes or there in done:
                continue
            (x0, y0), (x1, y1) = nodes[here], nodes[there]
            step = float(np.hypot(x1 - x0, y1 - y0))
            total = spent + step / (0.1 + depths[there] / scale) ** 2
            if total < cost.get(there, np.inf):
                cost[there], before[there] = total, here
                length[there] = length[here] + step
                heapq.heappush(heap, (total, there))
    end = max(done, key=lambda cell: (length[cell], cell))
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return end, path[::-1]


def _resample(line: np.ndarray, count: int) -> np.ndarray:
    """`count` points at equal distances along a line `[M, 2]`."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, k]) for k in (0, 1)], axis=1)


def _smooth(line: np.ndarray, width: int = 9) -> np.ndarray:
    """A moving average; the ends are repeated."""
    padded = np.pad(line, ((width // 2, width // 2), (0, 0)), mode="edge")
    kernel = np.full(width, 1 / width)
    return np.stack([np.convolve(padded[:, k], kernel, "valid") for k in (0, 1)], axis=1)


def _sway(line: np.ndarray, deep: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The line moved sideways by a slow wave of up to a quarter of the depth there."""
    along = np.linspace(0, 2 * np.pi, len(line))
    wave = np.sin(along * rng.uniform(0.5, 2) + rng.uniform(0, 2 * np.pi))
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    x, y = np.floor(line + 0.5).astype(int).T
    room = 0.25 * deep[y, x] * wave  # row = y
    return line + room[:, None] * np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def _clip(line: np.ndarray, region: np.ndarray, middle: tuple) -> np.ndarray:
    """The longest piece of a line that stays on the region, or its deepest pixel."""
    points, is_vertex = _dense(line)
    x, y = np.floor(points + 0.5).astype(int).T
    height, width = region.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    inside[inside] = region[y[inside], x[inside]]  # row = y
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    if not len(edges):
        return np.array([middle], dtype=np.float64)
    starts, ends = edges[::2], edges[1::2]
    best, keep = int((ends - starts).argmax()), np.zeros(len(points), dtype=bool)
    keep[starts[best] : ends[best]] = is_vertex[starts[best] : ends[best]]
    keep[[starts[best], ends[best] - 1]] = True
    return points[keep]


def _dense(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points a quarter of a pixel apart along a line, and which of them are its vertices."""
    points, is_vertex = [line[:1]], [True]
    for start, end in pairwise(line):
        count = max(1, int(np.ceil(np.hypot(*(end - start)) * 4)))
        t = np.linspace(0, 1, count + 1)[1:, None]
        points.append(start + t * (end - start))
        is_vertex += [False] * (count - 1) + [True]
    return np.concatenate(points), np.array(is_vertex)
