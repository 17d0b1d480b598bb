"""Findings and facts as tables: a row per question and variant, a column per platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchlab.metrics import Tally, zero_failures_bound
from orchlab.records import Finding, Verdict
from orchlab.report import numbers, why
from orchlab.report.subjects import SHORT, TITLES, grouped
from orchlab.results import Run, history_files

SYMBOLS: dict[Verdict, str] = {
    "pass": "✓",
    "fail": "✗",
    "limit": "!",
    "unsupported": "-",
    "unknown": "?",
    "void": "∅",
}
WORDS: dict[Verdict, str] = {
    "pass": "as promised",
    "fail": "broken promise",
    "limit": "known limit",
    "unsupported": "not offered",
    "unknown": "unknown",
    "void": "void",
}
WORST: tuple[Verdict, ...] = ("fail", "unknown", "limit", "pass", "void", "unsupported")
"""What several repetitions say together: the first of these that one of them says."""
UNANSWERED = ("unsupported", "unknown", "void")
LABELS = {"compose": "Compose", "swarm": "Swarm", "k8s": "Kubernetes"}
MISSING = "-"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one platform in one variant answered to one question, in all repetitions."""

    findings: Sequence[Finding]
    why: str

    @property
    def verdict(self) -> Verdict:
        """The worst that a repetition says; void ones count only when all are void."""
        said = {each.verdict for each in self.findings}
        return next(verdict for verdict in WORST if verdict in said)

    @property
    def summary(self) -> str:
        """In the words of the first repetition that says so."""
        return next(each.summary for each in self.findings if each.verdict == self.verdict)

    @property
    def valid(self) -> list[Finding]:
        """The repetitions that prove something."""
        return [each for each in self.findings if each.verdict != "void"]

    @property
    def repetitions(self) -> str:
        """How many repetitions, and what they said where they differ."""
        said = Counter(each.verdict for each in self.findings)
        apart = f": {numbers.counted(said)}" if len(said) > 1 else ""
        return f"n = {len(self.valid)}{apart}"

    @property
    def lost(self) -> Tally | None:
        """Failed requests of all."""
        return numbers.lost(self.valid)

    @property
    def most(self) -> str:
        """Without a failure, what that proves; else nothing."""
        tally = self.lost
        if tally is None or tally.failed or not tally.total:
            return ""
        return f"95 % bound {100 * zero_failures_bound(tally.total):.2g} %"

    @property
    def bound(self) -> str:
        """Failed of all requests, with the bound."""
        tally = self.lost
        if tally is None or not tally.total:
            return ""
        shown = f"{tally.failed} of {tally.total} requests lost"
        return f"{shown}, {self.most}" if self.most else shown

    @property
    def times(self) -> str:
        """When clients were served again, and when all replicas were back."""
        capacity = numbers.points(self.valid, numbers.CAPACITY)
        back = [f"capacity back {numbers.spread(capacity, 's')}"] if capacity else []
        return "; ".join([*self._clients(), *back])

    def _clients(self) -> list[str]:
        """How long clients were concerned; nothing where no fault was injected."""
        recovered = numbers.points(self.valid, numbers.RECOVERED)
        if not recovered:
            return []
        if self.lost is not None and not self.lost.failed:
            return ["clients noticed nothing"]
        if any(each.again for each in recovered):
            disturbed = numbers.points(self.valid, numbers.DISTURBED)
            return [f"failures again and again, for {numbers.spread(disturbed, 's')} in all"]
        return [f"clients back {numbers.spread(recovered, 's')}"]

    @property
    def headline(self) -> str:
        """The shortest answer: the failed requests where there were any to fail."""
        tally = self.lost
        if self.verdict in UNANSWERED:
            return WORDS[self.verdict]
        return f"{tally.failed} of {tally.total} lost" if tally else self.summary

    @property
    def blackout(self) -> str:
        """The longest time without any answer."""
        return "; ".join(line for line in self.lines if line.startswith("blackout"))

    @property
    def lines(self) -> list[str]:
        """A line per value."""
        return numbers.lines(self.valid)


@dataclass(frozen=True, slots=True)
class Row:
    """One question in one variant; an answer, or None, for each platform in order."""

    experiment: str
    variant: str
    question: str
    answers: list[Answer | None]

    @property
    def title(self) -> str:
        """What happens, in a few words."""
        return TITLES.get(self.experiment, self.experiment)


def platforms(run: Run) -> list[str]:
    """Every platform of the run: as planned, then others that left something."""
    left = [platform for platform, _ in places(run)]
    return list(dict.fromkeys([*run.plan.get("platforms", []), *left]))


def variants(run: Run) -> list[str]:
    """Every variant of the run, ``hardened`` first: what the lab recommends."""
    return sorted({variant for _, variant in places(run)}, reverse=True)


def places(run: Run) -> list[tuple[str, str]]:
    """Every platform and variant that left facts, findings or rows."""
    judged = [(each.platform, each.variant) for each in run.findings]
    files = history_files(run.path)
    return [*run.facts, *judged, *((file.parent.parent.name, file.parent.name) for file in files)]


def matrix(run: Run) -> dict[str, list[Row]]:
    """The rows of every subject, in the order of the page."""
    by_key: dict[tuple[str, str, str], list[Finding]] = {}
    for each in run.findings:
        by_key.setdefault((each.experiment, each.variant, each.platform), []).append(each)
    answers = {key: _answer(run, found) for key, found in by_key.items()}
    names = [name for name, _, _ in answers]
    return {
        subject: [
            _row(run, answers, name, variant)
            for name in group
            for variant in variants(run)
            if any((name, variant, platform) in answers for platform in platforms(run))
        ]
        for subject, group in grouped(names).items()
    }


def in_short(rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """One row for each of the questions that most readers come for: the recommended variant."""
    everything = [row for group in rows.values() for row in group]
    found = (next((row for row in everything if row.experiment == name), None) for name in SHORT)
    return [row for row in found if row is not None]


def totals(run: Run, rows: Mapping[str, Sequence[Row]]) -> list[tuple[str, Counter[Verdict]]]:
    """How often each platform got each verdict, over all questions and variants."""
    everything = [row for group in rows.values() for row in group]
    return [
        (platform, Counter(a.verdict for a in (row.answers[i] for row in everything) if a))
        for i, platform in enumerate(platforms(run))
    ]


def _answer(run: Run, found: Sequence[Finding]) -> Answer:
    first = found[0]
    facts = run.facts.get((first.platform, first.variant))
    force = {**facts.knobs, why.DATA_PATH: facts.data_path} if facts else {}
    known = {**first.values, **force}
    answer = Answer(found, why.sentence(first.experiment, first.platform, known))
    return replace(answer, why="") if answer.verdict in UNANSWERED else answer


def _row(run: Run, answers: Mapping[tuple[str, str, str], Answer], name: str, variant: str) -> Row:
    return Row(
        name,
        variant,
        run.plan.get("questions", {}).get(name, ""),
        [answers.get((name, variant, platform)) for platform in platforms(run)],
    )


def knobs(run: Run, variant: str) -> list[tuple[str, list[str]]]:
    """Every knob and timer in force in a variant, and its value on each platform."""
    found = [run.facts.get((platform, variant)) for platform in platforms(run)]
    return union([facts.knobs if facts else {} for facts in found])


def versions(run: Run) -> list[tuple[str, list[str]]]:
    """Every program's version on each platform."""
    merged: dict[str, dict[str, str]] = {platform: {} for platform in platforms(run)}
    for (platform, _), facts in run.facts.items():
        merged[platform].update(facts.versions)
    return union(merged.values())


def timings(run: Run) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Column names and rows of the seconds that the run's own steps took."""
    columns = [*platforms(run)]
    columns += [name for name in run.timings if name not in columns]
    shown = [
        {step: f"{seconds:.1f} s" for step, seconds in run.timings.get(name, {}).items()}
        for name in columns
    ]
    return [LABELS.get(name, name) or "all" for name in columns], union(shown)


def union(columns: Iterable[Mapping[str, str]]) -> list[tuple[str, list[str]]]:
    """Rows over all keys of several mappings, a dash where one has no such key."""
    given = list(columns)
    names = dict.fromkeys(name for column in given for name in column)
    return [(name, [column.get(name, MISSING) for column in given]) for name in names]
