"""What the real TensorBoard reads of an event file: one JSON object.

    python3 -m venv tb && tb/bin/pip install tensorboard
    tb/bin/python tools/parity/read_events.py FILE
"""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
    "scalars": {tag: [[e.wall_time, e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[e.wall_time, e.step, e.width, e.height, len(e.encoded_image_string)] for e in events.Images(tag)]
               for tag in tags["images"]},
}, indent=1, sort_keys=True))
