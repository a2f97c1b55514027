"""What a configuration will take, before anything runs."""

from typing import Annotated

import typer
from rich.table import Table

from fusionmedclip.cli.shared import Configs, Preset, config_files, console, readable


def plan(
    config: Configs = None,
    preset: Preset = None,
    gpus: Annotated[int, typer.Option(min=1, help="How many GPUs compute at once; CPUs without any.")] = 1,
    speed: Annotated[float, typer.Option(min=0.001, help="Against the card that was measured.")] = 1.0,
) -> None:
    """Print runs, submissions, hours and disk of a configuration, by measured costs."""
    from fusionmedclip.config import load_config
    from fusionmedclip.pipeline.costs import table
    from fusionmedclip.reporting.plan import plan as plan_of

    with readable():
        found = plan_of(load_config(config_files(config, preset)), speed=speed)
    sheet = Table("group", "runs", "submissions", "hours", "of", "GB of the card")
    for name, count in found.before.items():
        sheet.add_row(name, "", str(count), "", "", "")
    learnt = {"learn_from_others": found.learnt} if found.learnt else {}
    for name, part in {**learnt, **found.parts}.items():
        memory = f"{part.memory_mb / 1000:.1f}" if part.gpu else ""
        kind = "a GPU" if part.gpu else "a CPU"
        sheet.add_row(name, str(part.runs), str(part.submissions), f"{part.hours:.1f}", kind, memory)
    console.print(sheet)
    console.print(
        f"{found.submissions} submissions through profiles/slurm; "
        f"{found.network_hours:.1f} {'GPU' if found.on_gpu else 'CPU'}-hours; "
        f"on {gpus} at once {found.hours(gpus):.1f} hours at best; "
        f"{found.disk_gb:.1f} GB of backbones and stored features",
        soft_wrap=True,
    )
    if not found.on_gpu:
        console.print(
            f"device: cpu. Hours of networks are {table()['slower_cpu']} times those measured on a GPU, for "
            "two cores: an estimate from one pair of runs",
            soft_wrap=True,
        )
    if found.overlong:
        days = ", ".join(f"{name} {hours / 24:.0f}" for name, hours in sorted(found.overlong.items()))
        console.print(
            f"too long: days of one run of {days}; no job asks for more than {table()['longest'] // 1440}. "
            "Leave them out of the tables, or give them a GPU",
            soft_wrap=True,
        )
    if found.stage1:
        console.print(
            f"hours not counted: Stage 1 of {', '.join(found.stage1)}, whose cost was not measured",
            soft_wrap=True,
        )
    if found.uncounted:
        console.print(
            f"nobody measured {', '.join(found.uncounted)}: their disk is left out, and hours and memory are "
            f"those of the protocol's networks at {table()['pixels']} pixels. A small one takes a hundredth "
            "or less: run one row and look at its log",
            soft_wrap=True,
        )
    console.print(
        f"measured: {table()['source']}; the rest: fusionmedclip/pipeline/costs.yaml", soft_wrap=True
    )
