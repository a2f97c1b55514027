"""A prediction of nine pictures, drawn and all, and what it left."""

from pathlib import Path

from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.drawn import writers_for
from fusionmedclip.lab.prediction import Done, predict_files
from fusionmedclip.lab.requests import prediction_request


def predict(home: Path, out: Path, *, progress=None, **asked) -> Done:
    """Of ``in`` by ``model``, both in one folder."""
    request = prediction_request(home / "model", [home / "in"], out, asked=Asked(**asked))
    return predict_files(request, writers=writers_for, progress=progress)


def files(out: Path) -> dict[str, bytes]:
    """All that a prediction wrote but for its journals."""
    kept = [path for path in out.rglob("*") if path.is_file() and path.parent.name != "parts"]
    return {str(path.relative_to(out)): path.read_bytes() for path in kept}
