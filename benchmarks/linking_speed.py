"""Texts and links a second of policy linking against a register of 2,000 policies, and what grows with the register.

    python -m benchmarks.linking_speed [--texts 5000] [--policies 2000] [--json]

The peer is what is usually written first: one regular expression with all titles, aliases and numbers as alternatives,
longest first, over the text as it is. It finds no other spelling, no fragments, no lists, and judges nothing. Both read
the same mixed stream (80 % posts, 15 % messages, 5 % articles), into a tenth of which a policy's name is put, on one
core; the best of three turns counts.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from benchmarks.mixed import mixed_stream
from classifiers.linking import PolicyLinker
from classifiers.model import Text
from minsheng.policies import Policy

TURNS = 3
NAMED = 0.1
"""Share of the texts that a name is put into."""

_CITIES = ["青江市", "临湖市", "南浦市", "北塘市", "东陵市", "西坪市", "云岭市", "安河市", "永宁市", "和川市"]
_MATTERS = [
    *("居民供热", "存量房交易", "电动自行车", "生活垃圾", "耕地地力", "公共交通", "中小学课后", "养老服务", "家电换购"),
    *("老旧小区", "公积金", "门诊共济", "网络预约车", "校外培训", "烟花爆竹", "城镇供水", "危险废物", "个体工商户"),
    *("青年人才", "乡村教师"),
]
_ASPECTS = [
    *("价格调整", "资金监管", "安全管理", "补贴发放", "收费优惠", "质量提升", "纾困发展", "考核评价", "信用监管"),
    "应急处置",
]
_KINDS = ["管理办法", "实施细则", "若干措施", "实施方案", "暂行规定"]


def register(count: int, *, seed: int = 3) -> list[Policy]:
    """Invented policies, each with title, 文号, two aliases, department and page; no two with the same title."""
    pick = random.Random(seed)
    combinations = [(c, m, a, k) for c in _CITIES for m in _MATTERS for a in _ASPECTS for k in _KINDS]
    policies = []
    for number, (city, matter, aspect, kind) in enumerate(pick.sample(combinations, count)):
        policies.append(
            Policy(
                id=f"p{number}",
                title=f"{city}{matter}{aspect}{kind}",
                number=f"{city[0]}政发〔{2015 + number % 12}〕{number + 1}号",
                aliases=(f"{matter}{aspect}新政", f"{city[:2]}{matter}{number % 40 + 2}条"),
                department=f"{city}住房和城乡建设局",
                url=f"https://www.city{number % 10}.example.gov.cn/zc/{number}.html",
            )
        )
    return policies


def texts_with_names(texts: Sequence[Text], policies: Sequence[Policy], *, seed: int = 5) -> list[Text]:
    """The texts, a tenth of them with a policy's name in the middle."""
    pick = random.Random(seed)
    mixed = []
    for title, text in texts:
        if pick.random() < NAMED:
            policy = pick.choice(policies)
            name = pick.choice([policy.title, f"《{policy.title}》", policy.number or "", *policy.aliases])
            text = f"{text[: len(text) // 2]}，{name}，{text[len(text) // 2 :]}"
        mixed.append(Text(title, text))
    return mixed


def peer(policies: Sequence[Policy]) -> Callable[[Text], int]:
    """One alternation of all names."""
    names = {name for policy in policies for name in (policy.title, policy.number or "", *policy.aliases) if name}
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    return lambda text: len(pattern.findall(f"{text.title}\n{text.text}"))


def measure(work: Callable[[Text], int], texts: Sequence[Text]) -> tuple[float, float]:
    """Texts a second and links a second, the best of the turns."""
    best, links = float("inf"), 0
    for _ in range(TURNS):
        begun = time.perf_counter()
        links = sum(map(work, texts))
        best = min(best, time.perf_counter() - begun)
    return len(texts) / best, links / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--policies", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    end = datetime(2026, 1, 1, tzinfo=UTC)
    stream = [Text(document.title, document.text) for document in mixed_stream(options.texts, end)]
    policies = register(options.policies)
    texts = texts_with_names(stream, policies)
    begun = time.perf_counter()
    linker = PolicyLinker(policies)
    built = time.perf_counter() - begun
    small = PolicyLinker(policies[:20])

    def link(with_linker: PolicyLinker) -> Callable[[Text], int]:
        return lambda text: len(with_linker.link(text.title, text.text))

    found = {
        f"linker, {len(policies):,} policies": measure(link(linker), texts),
        "linker, 20 policies": measure(link(small), texts),
        f"one regular expression, {len(policies):,} policies": measure(peer(policies), texts),
    }
    if options.json:
        shown = {name: {"texts": texts_, "links": links} for name, (texts_, links) in found.items()}
        sys.stdout.buffer.write(msgspec.json.encode({**shown, "build_seconds": built}) + b"\n")
        return
    print(f"linker built in {built:.1f} s")
    for name, (texts_a_second, links_a_second) in found.items():
        print(f"{name:40} {texts_a_second:9,.0f} texts/s {links_a_second:9,.0f} links/s")


if __name__ == "__main__":
    main()
