import io

from rich.console import Console

from fusionmedclip.training.progress import training_bar


def shown(*, terminal: bool) -> str:
    page = io.StringIO()
    with training_bar(Console(file=page, force_terminal=terminal, width=100)) as report:
        for step in (1, 2):
            report({"epoch": 1, "step": step, "steps": 2, "loss": 0.5 / step})
    return page.getvalue()


def test_a_terminal_sees_step_total_and_loss() -> None:
    assert "step 2/2 loss 0.250" in shown(terminal=True)


def test_a_file_sees_nothing() -> None:
    assert shown(terminal=False) == ""
