"""Figures of MediCLIP's official code, for test_parent.py, printed as the text of mediclip_figures.py.

    git clone https://github.com/cnulab/MediCLIP && git -C MediCLIP checkout ca99858
    python tests/models/official_mediclip.py MediCLIP > tests/models/mediclip_figures.py

Its CLIP, Necker, Adapter, PromptMaker, MapMaker, FocalLoss, BinaryDiceLoss and phrases, and Adam as in its
train.py, in float64, on the weights and batches of drawn_weights.py. Nothing of it is copied here.
"""

import sys
from pathlib import Path

OFFICIAL = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(OFFICIAL))  # its open_clip must be found before the installed one
sys.path.append(str(Path(__file__).resolve().parents[2]))

import torch  # noqa: E402
import yaml  # noqa: E402
from models.Adapter import Adapter  # noqa: E402
from models.CoOp import PromptMaker  # noqa: E402
from models.MapMaker import MapMaker  # noqa: E402
from models.Necker import Necker  # noqa: E402
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD  # noqa: E402
from open_clip.model import CLIP  # noqa: E402
from utils.losses import BinaryDiceLoss, FocalLoss  # noqa: E402

from tests.models.drawn_weights import TEXT, VIT, drawn, drawn_batch, drawn_state  # noqa: E402

LAYERS, STEPS = [1, 2, 3], 25


class Official:
    """The official modules, put together as train.py does."""

    def __init__(self):
        clip = CLIP(16, VIT, TEXT, quick_gelu=True)
        clip.load_state_dict(drawn_state(clip.state_dict()))
        self.clip = clip.double().eval().requires_grad_(False)
        clip.device, clip.token_size, clip.token_c = torch.device("cpu"), [4] * 3, [32] * 3
        prompts = yaml.safe_load((OFFICIAL / "config" / "busi.yaml").read_text())["prompts"]
        self.necker, self.mapper = Necker(clip_model=clip), MapMaker(image_size=32)
        self.adapter = Adapter(clip_model=clip, target=16).double()
        self.prompter = PromptMaker(prompts=prompts, clip_model=clip, n_ctx=8, CSC=True).double()
        convolutions = [getattr(self.adapter, f"{i}_adapter")[0] for i in range(3)]
        context = self.prompter.prompt_learner.ctx
        self.trained = {f"adapter.{i}.weight": c.weight for i, c in enumerate(convolutions)}
        self.trained |= {f"adapter.{i}.bias": c.bias for i, c in enumerate(convolutions)}
        self.trained |= {f"context.{state}": context[f"{state}_end"] for state in ("normal", "abnormal")}
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(drawn(name, tuple(parameter.shape)))

    def __call__(self, images) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (B, 2, 32, 32) and text embeddings (D, 2)."""
        mean, std = (
            torch.tensor(v).double().view(1, 3, 1, 1) for v in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)
        )
        pixels = (torch.from_numpy(images).double().unsqueeze(1) - mean) / std
        with torch.no_grad():
            features = self.necker(self.clip.encode_image(pixels, LAYERS)[1])
        vision = self.adapter(features)
        text = self.prompter(vision)
        return self.mapper(vision, text), text


def samples(tensors: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Norm, first, middle and last number of each tensor."""
    flat = {name: tensor.detach().flatten() for name, tensor in tensors.items()}
    return {n: [float(v) for v in (f.norm(), f[0], f[len(f) // 2], f[-1])] for n, f in flat.items()}


def main() -> None:
    model, figures = Official(), {}
    groups = [{"params": model.prompter.prompt_learner.parameters()}, {"params": model.adapter.parameters()}]
    updates = torch.optim.Adam(groups, lr=0.001, betas=(0.5, 0.999))
    focal, dice = FocalLoss(), BinaryDiceLoss()
    figures["MAPS"] = model(drawn_batch(0)[0])[0][:, 1, ::8, ::8].tolist()
    figures["LOSSES"] = []
    for step in range(STEPS):
        images, masks = drawn_batch(step)
        maps, truth = model(images)[0], torch.from_numpy(masks).unsqueeze(1)
        parts = [focal(maps, truth), dice(maps[:, 1], truth)]
        figures["LOSSES"].append([float(part.detach()) for part in parts])
        updates.zero_grad()
        sum(parts).backward()
        if step in (0, STEPS - 1):
            name = "GRADIENTS_FIRST" if step == 0 else "GRADIENTS_LAST"
            figures[name] = samples({n: p.grad for n, p in model.trained.items()})
        updates.step()
    maps, text = model(drawn_batch(0)[0])
    figures["MAPS_AFTER"], figures["TEXT_AFTER"] = maps[:, 1, ::8, ::8].tolist(), text.T[:, :4].tolist()
    figures["TRAINED"] = samples(model.trained)
    print('"""What official_mediclip.py printed; see there."""\n')
    for name, value in figures.items():
        print(f"{name} = {rounded(value)!r}")


def rounded(value):
    """Ten significant digits of every number."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.10g}")


if __name__ == "__main__":
    main()
