"""The register: files with every mistake told, and the store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.policies import STAGES, Policy, PolicyRegister, read_policies, revision_of, standard_number, successors
from minsheng.policies.enterprise import area_of
from minsheng.policies.tables import policies as table
from minsheng.policies.tables import policy_versions as versions
from tests.stores import made_store

WHOLE = """\
# 云岭市的一项政策
id = "heating"
number = "云岭发[２０２６] 08 号"
title = "《云岭市居民供暖价格调整办法》"
aliases = [
  "供暖新规",  # 网民常用
  "供暖新规",
  " 暖气涨价 ",
]
department = "市住房和城乡建设局"
topics = ["城乡建设"]
stage = "现行有效"
consultation_opens = 2026-03-01
consultation_closes = "2026-03-31"
released_on = 2026-05-06T23:30:00+00:00
effective_on = "2026-06-01T00:00:00"
successor = "heating-2"
url = "https://www.example.gov.cn/heating"
plans = ["price"]
sensitivity = "high"
watch_words = ["取暖费"]
exclude_words = ["供暖设备"]
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def told(folder: Path, **files: str) -> list[str]:
    with pytest.raises(WrongUse) as caught:
        read_policies(write(folder, **files))
    return caught.value.message.replace(f"{folder}/", "").split("\n")[1:]


def test_a_whole_policy(tmp_path: Path) -> None:
    expected = Policy(
        id="heating",
        number="云岭发〔2026〕8号",
        title="云岭市居民供暖价格调整办法",
        aliases=("供暖新规", "暖气涨价"),
        department="市住房和城乡建设局",
        topics=("城乡建设",),
        stage="in_force",
        consultation_opens=date(2026, 3, 1),
        consultation_closes=date(2026, 3, 31),
        released_on=date(2026, 5, 7),  # 23:30 UTC is the next day in China
        effective_on=date(2026, 6, 1),
        successor="heating-2",
        url="https://www.example.gov.cn/heating",
        plans=("price",),
        sensitivity="high",
        watch_words=("取暖费",),
        exclude_words=("供暖设备",),
    )
    assert read_policies(write(tmp_path, a=WHOLE)) == [expected]
    assert read_policies(tmp_path / "a.toml") == [expected]


def test_id_and_title_are_enough(tmp_path: Path) -> None:
    assert read_policies(write(tmp_path, a='id = "a"\ntitle = "办法"')) == [Policy(id="a", title="办法")]


def test_a_folder_is_read_with_the_folders_in_it_by_id(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "readme.md").write_text("no policy")
    write(tmp_path, z='id = "b"\ntitle = "乙"')
    write(tmp_path / "inner", y='id = "a"\ntitle = "甲"')
    assert [policy.id for policy in read_policies(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    "written", [*STAGES, *STAGES.values(), "in force", "IN-FORCE", "征求意见稿", "draft for comment"]
)
def test_stages_are_read_in_english_and_chinese(tmp_path: Path, written: str) -> None:
    (policy,) = read_policies(write(tmp_path, a=f'id = "a"\ntitle = "办法"\nstage = "{written}"'))
    assert policy.stage in STAGES
    assert written not in STAGES.values() or policy.stage_words == written


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('titel = "x"', "unknown key 'titel', did you mean 'title'?"),
        ('Successors = "x"', "unknown key 'Successors', did you mean 'successor'?"),
        ("[dates]\nreleased = 2026-01-01", "unknown key 'dates'"),
        ('"文号" = "x"', "unknown key '文号'; known are: id, title, number"),
        ('aliases = "供暖新规"', "aliases: expected a list of texts"),
        ("plans = [1]", "plans: expected a list of texts"),
        ('aliases = ["", "x"]', "aliases: must not be empty"),
        ("number = 12", "number: Expected `str"),
        ('stage = "planned"', "stage: 'planned' is none of draft (征求意见)"),
        ("stage = 1", "stage: "),
        ('sensitivity = "extreme"', "expected one of low, normal, high"),
        ('released_on = "2026-02-30"', "'2026-02-30' is no date"),
        ("released_on = 2026", "released_on: expected a date"),
        ("released_on = 08:00:00", "released_on: expected a date"),
        ("consultation_opens = 2026-02-01\nconsultation_closes = 2026-01-01", "lies before consultation_opens"),
        ('successor = "a"', "can't succeed itself"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    # The same words in a comment and inside a string must not be taken for the line.
    key = line.split("=")[0].strip(' "[]\n').split("]")[0]
    before = f'# {line.splitlines()[0]}\nid = "a"\ntitle = "办法"\ndepartment = """\\\n  {key} = 局\\\n"""\n'
    (message,) = told(tmp_path, a=before + line)
    offset = 1 if words.startswith("lies before") else 0
    assert message.startswith(f"a.toml:{7 + offset}: ")
    assert words in message


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('title = "办法"', "a.toml:1: 'id' is missing"),
        ('id = "a"', "a.toml:1: 'title' is missing"),
        ("", "a.toml:1: 'id' is missing"),
        ('id = "a"\ntitle = "办法\n', "a.toml:2: not readable as TOML"),
        ('id = "a"\nid = "b"\ntitle = "x"', "a.toml:2: not readable as TOML"),
        ('\nid = "a b"\ntitle = "x"', "a.toml:2: id: at most 100 characters, without spaces"),
        ('id = "a"\ntitle = "  "', "a.toml:2: title: must not be empty"),
        ('id = "a"\ntitle = "x\\u0000y"', "a.toml:2: title: must be one line"),
        ("id = 5\ntitle = 'x'", "a.toml:1: id: Expected `str`"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, text: str, start: str) -> None:
    assert told(tmp_path, a=text)[0].startswith(start)


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes('id = "c"\ntitle = "办法"'.encode("gb18030"))
    messages = told(tmp_path, a='id = "a"\ntitle = "x"\nx1 = 1\nx2 = 2', b='id = "b"')
    assert [message.split(": ")[0] for message in messages] == ["a.toml:3", "a.toml:4", "b.toml:1", "c.toml:1"]
    assert "save the file as UTF-8" in messages[3]


def test_a_flood_of_mistakes_is_cut_and_counted(tmp_path: Path) -> None:
    messages = told(tmp_path, a="\n".join(f"x{number} = 1" for number in range(100)))
    assert len(messages) == 21
    assert messages[-1] == "… and 82 more"


def test_an_id_used_twice_names_both_files(tmp_path: Path) -> None:
    (message,) = told(tmp_path, a='id = "x"\ntitle = "甲"', b='# 注\nid = "x"\ntitle = "乙"')
    assert message == "b.toml:2: policy id 'x' is already used in a.toml:1"


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no policy files"):
        read_policies(tmp_path)
    with pytest.raises(WrongUse, match="no policy file or folder"):
        read_policies(tmp_path / "missing")


@pytest.mark.parametrize(
    ("written", "standard"),
    [
        ("川办发〔2023〕12号", "川办发〔2023〕12号"),
        ("川办发[2023]12号", "川办发〔2023〕12号"),
        ("川办发（2023）12 号", "川办发〔2023〕12号"),
        ("川办发【２０２３】第０１２号", "川办发〔2023〕12号"),
        ("川办发〔2023年〕12", "川办发〔2023〕12号"),
        ("国务院令第711号", None),
        ("2023年12号", None),
        ("", None),
    ],
)
def test_numbers_have_one_spelling(written: str, standard: str | None) -> None:
    assert standard_number(written) == standard


@pytest.fixture
def register(tmp_path: Path) -> PolicyRegister:
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    return PolicyRegister(store, ManualClock(datetime(2026, 5, 1, tzinfo=UTC)))


HEATING = Policy(id="heating", title="云岭市居民供暖价格调整办法", number="云岭发〔2026〕8号", successor="new")
SCHOOL = Policy(id="school", title="云岭市招生方案", released_on=date(2026, 1, 1), stage="draft")


def test_import_adds_changes_and_leaves(register: PolicyRegister) -> None:
    first = register.import_policies([HEATING])
    assert (first.added, first.changed, first.unchanged) == (("heating",), (), ())
    changed = msgspec.structs.replace(HEATING, aliases=("供暖新规",))
    second = register.import_policies([changed, SCHOOL])
    assert (second.added, second.changed, second.unchanged) == (("school",), ("heating",), ())
    third = register.import_policies([SCHOOL])
    assert (third.added, third.changed, third.unchanged) == ((), (), ("school",))
    assert register.all() == [changed, SCHOOL]
    assert register.get("school") == SCHOOL
    assert register.get("none") is None


def test_a_successor_that_nobody_knows_is_warned_of(register: PolicyRegister) -> None:
    assert "successor new is not in the register" in register.import_policies([HEATING]).warnings[0]
    register.import_policies([Policy(id="new", title="新办法")])
    assert register.import_policies([HEATING]).warnings == ()


def test_successors_that_lead_in_a_circle_are_warned_of(register: PolicyRegister) -> None:
    one, two = Policy(id="one", title="甲办法", successor="two"), Policy(id="two", title="乙办法", successor="one")
    assert register.import_policies([one]).warnings == ("policy one: its successor two is not in the register",)
    warnings = register.import_policies([two]).warnings
    assert warnings == tuple(f"policy {name}: its successors lead back to itself" for name in ("one", "two"))


def test_the_policies_that_came_after_one_are_told_in_their_order() -> None:
    line = [
        Policy(id="a", title="甲", stage="repealed", successor="b"),
        Policy(id="b", title="乙", stage="repealed", successor="c"),
        Policy(id="c", title="丙", successor="not-there"),
    ]
    register = {policy.id: policy for policy in line}
    assert [policy.id for policy in successors("a", register)] == ["b", "c"]
    assert successors("c", register) == successors("unknown", register) == []
    circle = {"a": Policy(id="a", title="甲", successor="b"), "b": Policy(id="b", title="乙", successor="a")}
    assert [policy.id for policy in successors("a", circle)] == ["b"]


def test_the_revision_is_that_of_the_content(register: PolicyRegister) -> None:
    empty = register.revision()
    register.import_policies([SCHOOL, HEATING])
    both = register.revision()
    assert both == revision_of([HEATING, SCHOOL]) == revision_of([SCHOOL, HEATING])
    register.import_policies([HEATING])
    assert register.revision() == both
    register.import_policies([msgspec.structs.replace(HEATING, released_on=date(2026, 5, 1) + timedelta(days=1))])
    assert len({empty, both, register.revision()}) == 3


@pytest.mark.parametrize(
    "asked", ["heating", "云岭发〔2026〕8号", "云岭发（2026） 8号", "《云岭市居民供暖价格调整办法》"]
)
def test_a_policy_is_found_by_id_number_and_title(register: PolicyRegister, asked: str) -> None:
    register.import_policies([HEATING, SCHOOL])
    assert register.find(asked) == HEATING


def test_what_is_not_there_or_ambiguous_is_not_found(register: PolicyRegister) -> None:
    register.import_policies([SCHOOL, msgspec.structs.replace(SCHOOL, id="school-2")])
    assert register.find("云岭市招生方案") is None
    assert register.find("") is None


def test_a_policy_that_was_deleted_keeps_its_last_title(tmp_path: Path) -> None:
    store = made_store(f"sqlite:///{tmp_path / 's.db'}")
    register = PolicyRegister(store, ManualClock())
    old, new = Policy(id="water", title="水价办法（试行）"), Policy(id="water", title="水价办法")
    register.import_policies([old, Policy(id="heating", title="供暖办法")])
    register.import_policies([new])
    assert register.gone() == {} and register.titles().of("water") == "水价办法"
    with store.begin() as connection:
        connection.execute(table.delete().where(table.c.id == "water"))
    titles = register.titles()
    assert titles.of("water") == "水价办法（已从登记册删除）" and titles.known("water") == "水价办法"
    assert titles.of("heating") == "供暖办法"
    assert titles.of("gas") == "（登记册中没有的政策 gas）" and titles.known("gas") == ""
    assert titles.all(lambda name: name != "heating") == {"water": "水价办法（已从登记册删除）"}
    with store.begin() as connection:  # as in a register that is older than the keeping of versions
        connection.execute(versions.delete())
    assert register.titles().of("water") == "（登记册中没有的政策 water）"
    register.import_policies([new])
    assert register.titles().of("water") == "水价办法"
    store.close()


@pytest.mark.parametrize(
    ("title", "topics", "area"),
    [
        ("关于支持中小微企业纾困发展的若干税费措施", (), "tax"),
        ("关于完善民营企业融资担保体系的实施意见", (), "finance"),
        ("云江省优化营商环境条例", (), "supervision"),
        ("关于规范涉企行政检查的通知", (), "supervision"),
        ("云江省制造业数字化转型行动方案", (), "industry"),
        ("关于支持个体工商户发展的若干意见", (), "general"),
        ("关于优化住房公积金提取和贷款政策的若干措施", (), None),
        ("云江省烟花爆竹燃放管理规定", (), None),
        ("关于推进政务服务“一窗通办”的实施方案", ("涉企",), "general"),
    ],
)
def test_policies_for_enterprises_are_told_by_titles(title: str, topics: tuple[str, ...], area: str | None) -> None:
    assert area_of(Policy(id="p", title=title, topics=topics)) == area
    assert area_of(Policy(id="p", title="某办法", aliases=("惠企二十条",))) == "general"
