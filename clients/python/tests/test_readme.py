import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
SNIPPETS = re.findall(
    r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_compiles(snippet: str) -> None:
    compile(snippet, str(README), "exec")


def test_the_quick_start_is_the_first_and_short() -> None:
    assert "hatd.connect" in SNIPPETS[0]
    assert len([line for line in SNIPPETS[0].splitlines() if line]) <= 15
