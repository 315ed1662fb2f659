"""All attacks, and the table of docs/security.md that is made from them."""

import importlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "security.md"
# The folders are the attackers, in the order of the page.
ATTACKERS = {
    "stolen_write_key": "With a stolen key or stolen credentials",
    "storage": "With the storage",
    "hostile_repository": "With a repository made for it",
    "hostile_neighbour": "On the same machine",
}
START, END = "<!-- made by Tests/Attacks/table -->\n", "<!-- end of what Tests/Attacks/table makes -->\n"


def attacks(attacker=None):
    """The classes of all attacks, or of one attacker, in the order of their names."""
    for folder in [attacker] if attacker else ATTACKERS:
        for path in sorted((HERE / folder).glob("*.py")):
            yield importlib.import_module(f"{folder}.{path.stem}").Attack


def title(attack):
    return (sys.modules[attack.__module__].__doc__ or "").strip()


def count(end):
    return sum(attack.end == end for attack in attacks())


def table():
    """The generated part of the page."""
    from scenes import ENDS

    total = len(list(attacks()))
    counts = ", ".join(f"{count(end)} {end}" for end in ENDS)
    lines = [f"{total} attacks: {counts}.\n"]
    for attacker, heading in ATTACKERS.items():
        lines += [f"\n### {heading}\n", "\n| Attack | Who | End | What happens |\n", "| --- | --- | --- | --- |\n"]
        for attack in attacks(attacker):
            name = attack.__module__.replace(".", "/")
            link = f"[{title(attack).rstrip('.')}](../Tests/Attacks/{name}.py)"
            lines.append(f"| {link} | {attack.threat} | {attack.end} | {attack.outcome} |\n")
    return "".join(lines) + "\n"


def page():
    """The whole page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise SystemExit(f"{PAGE}: the marks of the table are missing")
    return before + start + "\n" + table() + end + after


def threats():
    """The first column of the threat table."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Threats")
    rows = re.findall(r"^\| (.+?) \| ", section.partition("\n## ")[0], re.MULTILINE)
    return {row.replace("**", "") for row in rows}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
