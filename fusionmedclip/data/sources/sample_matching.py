"""Which image of a listing a published list means, where folders or names differ."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from fusionmedclip.data.files.digests import sha256_of_image
from fusionmedclip.data.sources.records import Listing
from fusionmedclip.data.sources.sample_lists import Sample
from fusionmedclip.errors import InputError
from fusionmedclip.provenance import file_sha256

__all__ = ["Matcher"]


class Matcher:
    """Finds records by their path, else by the bytes of the published image, else by the file's own name.

    Each record is found once, with the label that is published; anything else is a problem of the listing.

    Parameters
    ----------
    listing : Listing
    published : Path
        Folder of the images as published; need not exist.
    """

    def __init__(self, listing: Listing, published: Path):
        self.listing, self.published = listing, published
        self.files = [unicodedata.normalize("NFC", record.file) for record in listing.records]
        self.named: dict[str, list[int]] = defaultdict(list)
        for index, file in enumerate(self.files):
            self.named[PurePosixPath(file).name].append(index)
        self.taken: dict[int, Sample] = {}

    def match(self, samples: Iterable[Sample]) -> dict[int, tuple[Sample, str | None]]:
        """Position of each record found, to its sample and what stands before the sample's path in its own.

        The latter is None where the record was known by bytes or by its file's own name.
        """
        found = {}
        for sample in self._once(samples):
            try:
                index, prefix = self._find(sample)
                self._check(index, sample)
            except InputError as error:
                self.listing.problems.add(error)
                continue
            self.taken[index] = sample
            found[index] = (sample, prefix)
        return found

    def _once(self, samples: Iterable[Sample]) -> list[Sample]:
        """Samples whose file is listed for the first time; the others are problems."""
        first: dict[str, Sample] = {}
        for sample in samples:
            before = first.setdefault(sample.file, sample)
            if before is not sample:
                twice = "twice" if before.part == sample.part else "as support and as test image"
                message = f"{sample.line}: {sample.file} is listed {twice}, see {before.line}"
                self.listing.problems.add(message)
        return list(first.values())

    def _find(self, sample: Sample) -> tuple[int, str | None]:
        named = self.named[PurePosixPath(sample.file).name]
        alike = [index for index in named if f"/{self.files[index]}".endswith(f"/{sample.file}")]
        if alike:
            index = self._only(alike, sample)
            return index, self.files[index].removesuffix(sample.file)
        same = self._same_bytes(sample)
        if same:
            return same[0], None
        if not named:
            raise InputError(
                f"{sample.line}: {sample.file} is no image of {self.listing.root}",
                hint=f"put the images as published into {self.published}, or set `samples.images`",
            )
        return self._only(named, sample), None

    def _same_bytes(self, sample: Sample) -> list[int]:
        """Records with the bytes of the published image; copies of one image stand for each other."""
        path = self.published / sample.file
        if not path.is_file():
            return []
        alike = [i for i in self._digests.get(file_sha256(path), ()) if i not in self.taken]
        return [i for i in alike if self.listing.records[i].label == sample.label] or alike

    @cached_property
    def _digests(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for index, record in enumerate(self.listing.records):
            if (self.listing.root / record.file).exists():
                found[sha256_of_image(self.listing.root / record.file)].append(index)
        return found

    def _only(self, indices: Sequence[int], sample: Sample) -> int:
        """The one record, or the one of several that has the published label."""
        if len(indices) > 1:
            indices = [i for i in indices if self.listing.records[i].label == sample.label] or indices
        if len(indices) > 1:
            raise InputError(
                f"{sample.line}: {sample.file} may be any of several images",
                received=[self.files[index] for index in indices],
                hint="give paths that tell them apart",
            )
        return indices[0]

    def _check(self, index: int, sample: Sample) -> None:
        record = self.listing.records[index]
        if index in self.taken:
            raise InputError(
                f"{sample.line}: {sample.file} is the image {record.file} again, see {self.taken[index].line}"
            )
        if record.label != sample.label:
            titles = ("normal", "abnormal")
            raise InputError(
                f"{sample.line}: {record.file} has another label than published",
                received=titles[record.label],
                allowed=titles[sample.label],
            )
