"""Phantoms of three modalities, normal or with a lesion whose outline is exactly known.

They stand in for real images where none can be had: the demo, tests, and contrastive pre-training.
"""

from fusionmedclip.data.phantoms.drawing import MODALITIES, Phantom, draw_phantom
from fusionmedclip.data.phantoms.writing import write_phantom_captions, write_phantom_dataset

__all__ = ["MODALITIES", "Phantom", "draw_phantom", "write_phantom_captions", "write_phantom_dataset"]
