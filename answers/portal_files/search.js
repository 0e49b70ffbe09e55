"use strict";
// Finds answers by the pairs of characters that a question and an entry share, rare pairs counting more (BM25).
// Simpler than the search in the console, which also knows words of like meaning; so it shows more hits, and says when
// there is hardly anything in common.
(function () {
  const entries = window.QUESTIONS || [];
  const form = document.getElementById("search");
  const field = document.getElementById("question");
  const status = document.getElementById("status");
  const results = document.getElementById("results");
  const COURTESY = /请问|咨询|您好|你好|谢谢|怎么办|怎么|怎样|如何|什么|一下|可以|是不是|能不能|有没有|多少|吗|呢|啊|吧|的|了/g;
  const SHOWN = 8;

  function pairs(text) {
    const plain = text.normalize("NFKC").toLowerCase();
    const found = [];
    for (const run of plain.match(/[\u3400-\u9fff\u{20000}-\u{3ffff}]+|[a-z0-9.]+/gu) || []) {
      if (/^[a-z0-9.]/.test(run)) { found.push(run); continue; }
      const signs = Array.from(run);
      for (let place = 0; place + 1 < signs.length; place += 1) found.push(signs[place] + signs[place + 1]);
      if (signs.length === 1) found.push(run);
    }
    return found;
  }

  const index = new Map();
  const lengths = entries.map(function (entry, number) {
    // The question and its keywords say what an entry is about; they count double.
    const own = pairs([entry.title, entry.question, entry.question, entry.words, entry.words, entry.answer].join("\n"));
    const counts = new Map();
    for (const pair of own) counts.set(pair, (counts.get(pair) || 0) + 1);
    for (const [pair, count] of counts) {
      if (!index.has(pair)) index.set(pair, []);
      index.get(pair).push([number, count]);
    }
    return own.length;
  });
  const mean = lengths.reduce((sum, one) => sum + one, 0) / Math.max(1, entries.length);

  function find(question) {
    let asked = pairs(question.replace(COURTESY, " "));
    if (!asked.length) asked = pairs(question);
    const scores = new Map();
    const common = new Map();
    const distinct = new Set(asked);
    for (const pair of distinct) {
      const listed = index.get(pair) || [];
      const rarity = Math.log(1 + (entries.length - listed.length + 0.5) / (listed.length + 0.5));
      for (const [number, count] of listed) {
        const weight = (count * 2.2) / (count + 1.2 * (0.25 + (0.75 * lengths[number]) / mean));
        scores.set(number, (scores.get(number) || 0) + rarity * weight);
        common.set(number, (common.get(number) || 0) + 1);
      }
    }
    return Array.from(scores, ([number, score]) => ({ entry: entries[number], share: common.get(number) / distinct.size, score }))
      .sort((one, other) => other.score - one.score || (one.entry.id < other.entry.id ? -1 : 1))
      .slice(0, SHOWN);
  }

  function element(name, text, parent) {
    const made = document.createElement(name);
    made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  function show(question) {
    results.replaceChildren();
    if (!question.trim()) { status.textContent = ""; return; }
    const hits = find(question);
    if (!hits.length) {
      status.textContent = "没有找到答案。请换个说法，按政策查阅，或者拨打 12345。";
      return;
    }
    status.textContent = hits[0].share < 0.25
      ? "没有找到确切的答案，以下内容可能有关。也可以拨打 12345。"
      : "找到 " + hits.length + " 条可能的答案，最相近的在前。";
    for (const hit of hits) {
      const item = element("li", "", results);
      const heading = element("h3", "", item);
      const link = element("a", hit.entry.question, heading);
      link.href = hit.entry.page + "#" + encodeURIComponent(hit.entry.id);
      element("p", hit.entry.answer, item);
      element("p", "《" + hit.entry.policy + "》" + hit.entry.clause, item).className = "quiet";
    }
  }

  form.hidden = false;
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    show(field.value);
  });
})();
