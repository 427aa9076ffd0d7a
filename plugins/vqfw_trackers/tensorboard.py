"""Curves and grids of a run as TensorBoard event files.

They are written with the package ``tensorboard`` alone: a training on JAX or torch does not
import TensorFlow.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, BinaryIO

import imageio.v3 as imageio
from numpy.typing import NDArray

from vqfw.errors import PluginError
from vqfw.kinds import RunPath, Tracker


class TensorBoard(Tracker):
    """Writes event files into the run's folder, to be shown with ``tensorboard --logdir``.

    ``tensorboard --logdir checkpoints`` shows all runs side by side.
    """

    def __init__(self, run_folder: RunPath) -> None:
        if find_spec("tensorboard") is None:
            raise PluginError(
                'tracker "tensorboard" needs the package tensorboard, which is not '
                "installed: pip install 'vqfw[tensorboard]', or take tracker \"csv\""
            )
        self._folder = run_folder / "tensorboard"
        self._file: BinaryIO | None = None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        curves = [Summary.Value(tag=name, simple_value=v) for name, v in values.items()]
        self._write(step, summary=Summary(value=curves))

    def images(self, step: int, name: str, images: NDArray[Any]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        pictures = []
        for number, image in enumerate(images):
            height, width, channels = image.shape
            plane = image[..., 0] if channels == 1 else image
            shown = Summary.Image(
                height=height,
                width=width,
                colorspace=channels,
                encoded_image_string=imageio.imwrite(
                    "<bytes>", plane, extension=".png"
                ),
            )
            tag = name if len(images) == 1 else f"{name}/{number}"
            pictures.append(Summary.Value(tag=tag, image=shown))
        self._write(step, summary=Summary(value=pictures))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, step: int, **what: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog

        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            # TensorBoard reads the files of a folder in the order of their names.
            moment = f"{time.time_ns() // 1000:020d}"
            name = f"events.out.tfevents.{moment}.{socket.gethostname()}.{os.getpid()}"
            self._file = (self._folder / name).open("xb")
            self._put(file_version="brain.Event:2")
            # TensorBoard drops this step and later ones of earlier files.
            self._put(step=step, session_log=SessionLog(status=SessionLog.START))
        self._put(step=step, **what)
        self._file.flush()

    def _put(self, **what: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        event = Event(wall_time=time.time(), **what)
        RecordWriter(self._file).write(event.SerializeToString())
