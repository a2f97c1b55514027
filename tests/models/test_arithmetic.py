"""Precision and determinism: which flags of torch a block sets, that they come back, what is refused."""

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.arithmetic import CUBLAS_VARIABLE, arithmetic
from fusionmedclip.models.settings import PRECISIONS

BACKENDS = torch.backends
GPU_PRODUCTS = (BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn)
CPU_PRODUCTS = (BACKENDS.mkldnn.matmul, BACKENDS.mkldnn.conv, BACKENDS.mkldnn.rnn)


def state() -> list:
    """Every flag that the block may touch, read from torch itself."""
    return [
        *[operation.fp32_precision for operation in (*GPU_PRODUCTS, *CPU_PRODUCTS)],
        BACKENDS.cuda.matmul.allow_bf16_reduced_precision_reduction,
        BACKENDS.cudnn.benchmark,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    ]


@pytest.fixture(autouse=True)
def _torch_as_it_was():
    before = state()
    yield
    for operation, precision in zip((*GPU_PRODUCTS, *CPU_PRODUCTS), before, strict=False):
        operation.fp32_precision = precision
    BACKENDS.cuda.matmul.allow_bf16_reduced_precision_reduction = before[6]
    BACKENDS.cudnn.benchmark = before[7]
    torch.use_deterministic_algorithms(before[8], warn_only=before[9])
    torch.utils.deterministic.fill_uninitialized_memory = before[10]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of a GPU that has TF32; its flags can be set where there is none."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "made-up GPU")
    monkeypatch.setenv(CUBLAS_VARIABLE, ":4096:8")


@pytest.mark.parametrize(
    ("precision", "products"), [("float32", "ieee"), ("tf32", "tf32"), ("bfloat16", "ieee")]
)
@pytest.mark.usefixtures("gpu")
def test_each_precision_is_that_in_every_product(precision: str, products: str) -> None:
    for other in ("tf32", "ieee"):
        for operation in GPU_PRODUCTS:
            operation.fp32_precision = other
        with arithmetic("cuda", precision=precision) as made:
            assert [operation.fp32_precision for operation in GPU_PRODUCTS] == [products] * 3
            assert [operation.fp32_precision for operation in CPU_PRODUCTS] == ["ieee"] * 3
            assert not BACKENDS.cuda.matmul.allow_bf16_reduced_precision_reduction
            assert made["precision"] == precision
            assert {made["flags"][name] for name in ("cuda.matmul", "cudnn.conv", "cudnn.rnn")} == {products}


def test_the_cpu_computes_float32_whatever_was_set_before() -> None:
    torch.set_float32_matmul_precision("medium")  # oneDNN may then take bfloat16
    try:
        with arithmetic("cpu"):
            assert [operation.fp32_precision for operation in CPU_PRODUCTS] == ["ieee"] * 3
        assert BACKENDS.mkldnn.matmul.fp32_precision == "bf16"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("fails", [False, True])
def test_torch_is_left_as_it_was(precision: str, fails: bool) -> None:
    BACKENDS.cuda.matmul.fp32_precision, BACKENDS.cudnn.conv.fp32_precision = "tf32", "ieee"
    BACKENDS.cudnn.benchmark = True
    torch.use_deterministic_algorithms(True, warn_only=True)
    before = state()
    try:
        with arithmetic("cuda", precision=precision, deterministic=True):
            assert state() != before
            if fails:
                raise KeyError("inside")
    except KeyError:
        assert fails
    assert state() == before


@pytest.mark.parametrize("warned", [False, True])
def test_deterministic_is_an_error_never_a_warning(warned: bool) -> None:
    torch.use_deterministic_algorithms(warned, warn_only=warned)
    BACKENDS.cudnn.benchmark = True
    with arithmetic("cpu", deterministic=True) as made:
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert not BACKENDS.cudnn.benchmark
        assert made["deterministic"]
        with arithmetic("cpu") as inner:  # a method's own block inside a run's
            assert inner["deterministic"]


def test_nothing_is_filled_that_is_written_anyway() -> None:
    """torch writes NaN into each new tensor where kernels are deterministic, thousands of times a step."""
    with arithmetic("cpu", deterministic=True), torch.profiler.profile() as seen:
        torch.empty(4).add_(1.0)
    assert {event.key for event in seen.key_averages()} >= {"aten::empty", "aten::add_"}
    assert "aten::fill_" not in {event.key for event in seen.key_averages()}


def test_without_being_asked_determinism_stays_as_it_is() -> None:
    for mode in (True, False):
        torch.use_deterministic_algorithms(mode, warn_only=False)
        with arithmetic("cpu") as made:
            assert made["deterministic"] == torch.are_deterministic_algorithms_enabled() == mode


def test_tf32_is_refused_where_nothing_computes_it(monkeypatch: pytest.MonkeyPatch, gpu: None) -> None:
    def refused(device: str, match: str) -> None:
        before = state()
        with pytest.raises(InputError, match=match), arithmetic(device, precision="tf32"):
            pass
        assert state() == before

    refused("cpu", r"(?s)tf32.*cpu, which has no TF32.*float32 is the same on every device")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    refused("cuda", "NVIDIA_TF32_OVERRIDE=0")
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    refused("cuda", r"(?s)made-up GPU, which has no TF32.*8\.0")


def test_unknown_precisions_name_the_known() -> None:
    with (
        pytest.raises(InputError, match=r"(?s)float16.*float32, tf32, bfloat16"),
        arithmetic("cpu", precision="float16"),
    ):
        pass


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_variable_that_changes_float32_is_refused(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    with pytest.raises(InputError, match="FPMATH_MODE=BF16"), arithmetic("cpu", precision=precision):
        pass
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "strict")
    with arithmetic("cpu", precision=precision):
        pass


@pytest.mark.parametrize("value", [None, ":4096:2:16:8"])
def test_a_gpu_without_cublass_workspace_is_refused(
    value: str | None, monkeypatch: pytest.MonkeyPatch, gpu: None
) -> None:
    monkeypatch.delenv(CUBLAS_VARIABLE)
    if value:
        monkeypatch.setenv(CUBLAS_VARIABLE, value)
    message = rf"(?s){CUBLAS_VARIABLE}={value}.*export {CUBLAS_VARIABLE}=:4096:8"
    with pytest.raises(InputError, match=message), arithmetic("cuda", deterministic=True):
        pass
    with arithmetic("cuda"):
        pass
