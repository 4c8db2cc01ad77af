"""Report: prints what a release of the facts makes of the catalogue."""

from scripts.common import show
from scripts.facts.takeover import Release


def show_report(release: Release, as_json: bool) -> None:
    """Print the report as JSON, or a line for each spot that comes or changes, and counts."""
    report = release.report
    groups = {
        "created": report.created,
        "changed": list(report.changed),
        "unchanged": report.unchanged,
        "not_in_facts": report.not_in_facts,
        "left_out": list(report.left_out),
        "likely": report.likely,
        "new_sources": report.new_sources,
    }
    if as_json:
        show({**groups, "matched": dict(report.matched), "errors": []}, as_json)
        return
    names = {spot.id: spot.name.zh for spot in release.spots}
    for slug in report.created:
        print(f"+ {slug} {names[slug]}")
    for slug, changes in report.changed.items():
        print(f"~ {slug} {names[slug]}: {', '.join(field for field, _, _ in changes)}")
    for slug in report.not_in_facts:
        print(f"? {slug} {names[slug]}: not in the facts, stays as it is")
    for name, why in report.left_out.items():
        print(f"- {name}: {why}")
    for slug in report.likely:
        print(f"! {slug} {names[slug]}: found by a name that is only like its own, look at it")
    if report.new_sources:
        print(f"new sources, to be looked at in sources.yaml: {', '.join(report.new_sources)}")
    matched = ", ".join(f"{by} {count}" for by, count in report.matched.items())
    print(f"matched by {matched or 'nothing'}")
    print(", ".join(f"{name} {len(ids)}" for name, ids in groups.items()))
