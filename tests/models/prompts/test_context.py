"""Eq. 3: context, class names, UMLS knowledge, MediCLIP's phrases, manual sentences."""

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.prompts.context import Prompts
from fusionmedclip.models.prompts.text import encode_text
from fusionmedclip.models.prompts.umls import read_concepts
from fusionmedclip.models.settings import PromptSettings
from tests.models.towers import TEXT

WIDTH = TEXT["width"]


def prompts(backbone: Backbone, seed: int = 0, **settings) -> Prompts:
    return Prompts(backbone, PromptSettings(**settings), seed=seed)


def words(backbone: Backbone, ids: torch.Tensor) -> str:
    return backbone.tokenizer.decode([int(i) for i in ids if 0 < int(i) < 49406]).strip()


def test_context_stands_before_the_class_name_at_the_end(vit: Backbone) -> None:
    module = prompts(vit)
    assert module.context.shape == (2, 8, WIDTH)
    for ids, name in zip(module.tokens, ("normal", "anomaly"), strict=True):
        assert int(ids[0]) == 49406
        assert words(vit, ids[9:]) == name
        assert words(vit, ids[1:9]) == "x x x x x x x x"


def test_embeddings_are_the_normalised_features_of_each_class(vit: Backbone) -> None:
    module = prompts(vit)
    with torch.no_grad():
        result = module(vit)
        raw = encode_text(vit, module.tokens, context=module.context)
    for c in range(2):
        norm = float(sum(v * v for v in raw[c].double())) ** 0.5
        torch.testing.assert_close(result[c], (raw[c].double() / norm).float(), atol=1e-6, rtol=0)


def test_shared_context_serves_both_classes(vit: Backbone) -> None:
    module = prompts(vit, class_specific=False)
    assert module.context.shape == (1, 8, WIDTH)
    with torch.no_grad():
        raw = encode_text(vit, module.tokens, context=module.context.expand(2, -1, -1))
        expected = torch.nn.functional.normalize(raw, dim=1)
        torch.testing.assert_close(module(vit), expected)


def test_random_start_has_the_stated_deviation_and_follows_the_seed(vit: Backbone) -> None:
    one, two, other = (prompts(vit, seed, umls="none", context_tokens=60).context for seed in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert float(one.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert abs(float(one.detach().mean())) < 0.002


def test_umls_starts_the_first_half_at_means_of_token_embeddings(vit: Backbone) -> None:
    context = prompts(vit).context.detach()
    plain = prompts(vit, umls="none").context.detach()
    table = vit.clip_model.token_embedding.weight
    for c, concept in enumerate(read_concepts()):
        means = []
        for text in [*concept.synonyms, *concept.definitions]:
            ids = vit.tokenizer.encode(text)
            means.append(sum(table[i] for i in ids) / len(ids))
        # 13 texts in Table A3's order, dealt to four slots: 4, 3, 3, 3.
        for slot, (first, last) in enumerate([(0, 4), (4, 7), (7, 10), (10, 13)]):
            expected = sum(means[first:last]) / (last - first)
            torch.testing.assert_close(context[c, slot], expected, atol=1e-6, rtol=1e-5)
    assert torch.equal(context[:, 4:], plain[:, 4:])


def test_umls_in_a_shared_context_is_the_mean_of_both_concepts(vit: Backbone) -> None:
    shared = prompts(vit, class_specific=False).context.detach()
    apart = prompts(vit).context.detach()
    torch.testing.assert_close(shared[0, :4], (apart[0, :4] + apart[1, :4]) / 2)


def test_umls_share_and_more_slots_than_texts(vit: Backbone) -> None:
    plain = prompts(vit, umls="none").context
    assert torch.equal(prompts(vit, umls_share=0.0).context, plain)
    whole = prompts(vit, umls_share=1.0, context_tokens=20).context.detach()
    assert torch.equal(whole[:, 13:], whole[:, :7])


def test_encoder_outputs_start_the_context_where_widths_agree(vit: Backbone) -> None:
    context = prompts(vit, umls="encoder_outputs").context.detach()
    concept = read_concepts()[0]
    with torch.no_grad():
        outputs = vit.clip_model.encode_text(vit.tokenizer(list(concept.synonyms[:4])))
    torch.testing.assert_close(context[0, 0], outputs.mean(dim=0), atol=1e-5, rtol=1e-5)


def test_encoder_outputs_of_another_width_are_refused(vit: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusionmedclip.models.prompts.context.token_width", lambda _: WIDTH + 1)
    with pytest.raises(InputError, match=r"(?s)encoder outputs do not fit.*16-d.*17-d.*token_embeddings"):
        prompts(vit, umls="encoder_outputs")


def test_phrases_are_mediclips_each_with_its_context_averaged_a_state(vit: Backbone) -> None:
    module = prompts(vit, form="phrases", umls="none")
    assert module.context.shape == (21, 8, WIDTH)
    assert module.states == [0] * 10 + [1] * 11
    assert words(vit, module.tokens[9, 9:]) == "no evidence of disease ."
    with torch.no_grad():
        raw = encode_text(vit, module.tokens, context=module.context)
        for c, rows in enumerate((raw[:10], raw[10:])):
            mean = sum(rows) / len(rows)
            torch.testing.assert_close(module(vit)[c], mean / mean.norm(), atol=1e-6, rtol=0)


def test_manual_sentences_have_nothing_to_learn(vit: Backbone) -> None:
    module = prompts(vit, form="manual")
    assert list(module.parameters()) == []
    with torch.no_grad():
        raw = vit.clip_model.encode_text(vit.tokenizer(["a photo of a normal", "a photo of a anomaly"]))
        expected = torch.nn.functional.normalize(raw, dim=1)
        torch.testing.assert_close(module(vit), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("slots", [75, 90])
def test_context_that_leaves_no_room_for_the_class_name_is_refused(vit: Backbone, slots: int) -> None:
    assert prompts(vit, context_tokens=74).context.shape[1] == 74  # start, 74, class name, end: 77
    with pytest.raises(InputError, match=rf"(?s)context_tokens.*{slots}.*77 tokens"):
        prompts(vit, context_tokens=slots)
