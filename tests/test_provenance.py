"""Digests: of values, of code and all it imports."""

import hashlib
import json

from fusionmedclip import provenance
from fusionmedclip.provenance import code_digest, digest, environment, file_sha256


def test_digest_ignores_order_of_keys_and_sees_every_value():
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})
    assert (
        digest({"a": 1}) == hashlib.sha256(json.dumps({"a": 1}, separators=(",", ":")).encode()).hexdigest()
    )


def _package(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_code_digest_follows_imports_and_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "fusionmedclip"
    files = {
        "__init__.py": "",
        "a.py": "from fusionmedclip.b import f\n",
        "b.py": "def f():\n    from fusionmedclip import c\n    return c\n",
        "c.py": "x = 1\n",
        "other.py": "y = 1\n",
    }
    _package(package, files)
    monkeypatch.setattr(provenance, "PACKAGE", package)
    provenance._parsed.cache_clear()
    before = code_digest("fusionmedclip.a")
    (package / "other.py").write_text("y = 2\n")
    provenance._parsed.cache_clear()
    assert code_digest("fusionmedclip.a") == before
    (package / "c.py").write_text("x = 2\n")
    provenance._parsed.cache_clear()
    assert code_digest("fusionmedclip.a") != before
    provenance._parsed.cache_clear()


def test_editing_one_baseline_leaves_the_model_alone():
    """The model's digest must not depend on a baseline's module, nor the other way round."""
    ours, baseline = (
        _closure(m) for m in ("fusionmedclip.training.estimator", "fusionmedclip.baselines.patchcore")
    )
    assert "fusionmedclip.baselines.patchcore" not in ours
    assert "fusionmedclip.training.fit" not in baseline
    assert "fusionmedclip.models.similarity" in ours


def _closure(module):
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        path = provenance._source(name)
        if name in seen or path is None:
            continue
        seen.add(name)
        waiting.extend(provenance._parsed(path)[1])
    return seen


def test_file_hash_and_environment(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    record = environment()
    assert set(record) == {"commit", "dirty", "packages", "python", "device"}
    assert "torch" in record["packages"]
