"""Digests of values and files, and what is recorded of the environment."""

import hashlib
import json

from fusionmedclip.provenance import digest, environment, file_sha256


def test_digest_ignores_order_of_keys_and_sees_every_value():
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})
    assert (
        digest({"a": 1}) == hashlib.sha256(json.dumps({"a": 1}, separators=(",", ":")).encode()).hexdigest()
    )


def test_file_hash_and_environment(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    record = environment()
    assert set(record) == {"commit", "dirty", "packages", "python", "device", "machine"}
    assert "torch" in record["packages"]
