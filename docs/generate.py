# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes what docs/ says about domain.yaml from the one description that also reads it, and which tests show what
becomes of faults (`make docs`).

python docs/generate.py            write docs/domain.schema.json, the table of fields in docs/intent.md, docs/faults.md
python docs/generate.py --check    write nothing; exit 1 and name the files that are out of date
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(DOCS.parent / ".collections"), str(DOCS.parent)]

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import DOMAIN  # noqa: E402  # needs the path
from docs import faults  # noqa: E402  # needs it too

BEGIN = "<!-- fields: written by docs/generate.py -->\n"
END = "<!-- end of fields -->\n"


def json_schema() -> str:
    """docs/domain.schema.json. It cannot say what holds between fields, or refuse host bits: parse() does."""
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "weft.overlay domain",
        "description": "What should exist: the intent that weft.overlay compiles into a plan for every host.",
    }
    return json.dumps({**head, **DOMAIN.schema()}, indent=2, ensure_ascii=False) + "\n"


def field_table() -> str:
    """A Markdown table with a row for every field of the description."""
    rows = [("field", "value", "default", "meaning"), ("---",) * 4]
    rows.extend((f"`{row.path}`", row.type, row.default, row.says) for row in DOMAIN.rows(""))
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def intent_page(page: str) -> str:
    """The page with the table between its two marks written anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{field_table()}\n{END}{after}"


def written() -> dict[Path, str]:
    """Every generated file with its content as it should be."""
    page = DOCS / "intent.md"
    return {
        DOCS / "domain.schema.json": json_schema(),
        DOCS / "faults.md": faults.page(),
        page: intent_page(page.read_text(encoding="utf-8")),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the generated parts of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if something is out of date")
    check = parser.parse_args().check
    stale = [p for p, text in written().items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(written()[path], encoding="utf-8")
        print(f"{'out of date, run make docs' if check else 'written'}: docs/{path.name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
