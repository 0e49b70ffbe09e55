"""One table of traditional characters for all who fold texts."""

from __future__ import annotations

from classifiers.folding import fold as folded_name
from grouping.vectors import fold as folded_text
from minsheng.traditional import simplified, simplified_forms
from search.analysis import fold as units


def test_each_character_stands_for_one_and_is_no_other_ones_form() -> None:
    forms = simplified_forms()
    assert len(forms) == 4_105
    assert all(len(old) == len(new) == 1 and old != new for old, new in forms.items())
    assert simplified(simplified("盤龍區住建局")) == simplified("盤龍區住建局") == "盘龙区住建局"
    assert simplified("plain") == "plain"


def test_names_texts_and_searches_fold_alike() -> None:
    forms = simplified_forms()
    for old, new in forms.items():
        if new in forms:
            continue  # 苧 is what 薴 becomes, and 苎 what 苧 itself does
        assert folded_name(old) == folded_name(new), old
        assert folded_text(old) == folded_text(new), old
        assert units(old) == units(new), old
