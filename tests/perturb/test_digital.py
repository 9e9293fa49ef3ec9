from io import BytesIO

import numpy as np
import torch
from golden_clip import golden_clip
from PIL import Image

from muybridge.perturb.digital import jpeg
from muybridge.perturb.streams import Streams

NONE = Streams(np.zeros((2, 2), np.uint64))


def test_every_frame_is_pillows_to_the_bit():
    frames = golden_clip(t=3, h=37, w=51).frames
    for quality in (25, 7):
        result = jpeg(frames, NONE, quality=quality)
        for clip in range(2):
            for frame in range(3):
                memory = BytesIO()
                picture = frames[clip, :, frame].permute(1, 2, 0).contiguous().numpy()
                Image.fromarray(picture).save(memory, "JPEG", quality=quality)
                expected = np.array(Image.open(memory))
                np.testing.assert_array_equal(result[clip, :, frame].permute(1, 2, 0).numpy(), expected)


def test_views_of_larger_tensors_are_served_and_left_alone():
    frames = golden_clip(t=2, h=40, w=40).frames
    view = frames[..., 3:35, 5:30]
    assert torch.equal(jpeg(view, NONE, quality=10), jpeg(view.clone(), NONE, quality=10))
    assert torch.equal(frames, golden_clip(t=2, h=40, w=40).frames)
