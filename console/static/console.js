// What the pages gain with scripts. Everything here only helps: without it, all pages still work.
"use strict";
const loadedAt = performance.now();
const words = document.body.dataset;

// Clocks that count down. The server says how much is left: the browser's own clock may be wrong.
function spanWords(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60), days = Math.floor(minutes / 1440), hours = Math.floor((minutes % 1440) / 60);
  if (document.documentElement.lang === "en") {
    const text = days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes % 60} min` : `${minutes % 60} min`;
    return seconds < 0 ? `${text} late` : text;
  }
  const text = days ? `${days}天${hours}小时` : hours ? `${hours}小时${minutes % 60}分` : `${minutes % 60}分`;
  return seconds < 0 ? `超时${text}` : text;
}
function tick() {
  for (const clock of document.querySelectorAll("[data-left]")) {
    if (!clock.dataset.since) clock.dataset.since = performance.now();
    const left = Number(clock.dataset.left) - (performance.now() - Number(clock.dataset.since)) / 1000;
    clock.querySelector(".left").textContent = spanWords(left);
    clock.classList.toggle("late", left < 0);
    clock.classList.toggle("soon", left >= 0 && left < 3600);
  }
}
setInterval(tick, 10000);
document.addEventListener("htmx:afterSwap", tick);
tick();

// On a phone the room that one is in is in sight, however far back it stands in the menu.
{
  const rooms = document.querySelector(".rooms"), here = rooms?.querySelector("[aria-current]");
  if (here && rooms.scrollWidth > rooms.clientWidth) rooms.scrollLeft = here.offsetLeft - (rooms.clientWidth - here.offsetWidth) / 2;
}

// Light or dark.
document.getElementById("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* for this page only */ }
  drawCharts();
});

// Forms are sent once, however often they are pressed.
document.addEventListener("submit", event => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 8000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(form => delete form.dataset.sent));

// Copying a draft. On an address without TLS browsers have no clipboard for scripts: then the old way is taken.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    try { await navigator.clipboard.writeText(text.textContent.trim()); } catch {
      const range = document.createRange();
      range.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    say(words.copied);
    const word = button.lastChild, before = word.textContent;
    if (before === words.copied) return;
    word.textContent = words.copied;
    button.classList.add("good");
    setTimeout(() => { button.classList.remove("good"); word.textContent = before; }, 2000);
  });
}
function say(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}

// What was typed and not sent is not left without asking.
let typed = false;
document.addEventListener("input", event => { if (event.target.closest("form[method=post]") && event.target.matches("textarea")) typed = true; });
document.addEventListener("submit", () => { typed = false; });
addEventListener("beforeunload", event => { if (typed) event.preventDefault(); });

// A sound and a notice of the desktop for tickets that are new to this page, red or orange, and that nobody has taken.
const notify = document.getElementById("notify");
const grave = () => new Map([...document.querySelectorAll("[data-grave]")].map(one => [one.dataset.grave, one.dataset.words]));
let told = grave(), sounds = null;
function rings() { try { return localStorage.getItem("ring") === "1"; } catch { return false; } }
function drawRing() {
  notify.setAttribute("aria-pressed", rings());
  notify.querySelector("span").textContent = rings() ? words.ringOn : words.ringOff;
}
function beep() {
  sounds ??= new AudioContext();
  sounds.resume();
  for (let count = 0; count < 3; count++) {
    const tone = sounds.createOscillator(), loud = sounds.createGain(), at = sounds.currentTime + count * 0.35;
    tone.frequency.value = 880;
    loud.gain.setValueAtTime(0.25, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
    tone.connect(loud).connect(sounds.destination);
    tone.start(at);
    tone.stop(at + 0.3);
  }
}
if (notify) {
  notify.hidden = false;
  drawRing();
  notify.addEventListener("click", () => {
    try { localStorage.setItem("ring", rings() ? "0" : "1"); } catch { /* for no longer than this page */ }
    drawRing();
    if (rings()) {
      beep();
      if (window.Notification && Notification.permission === "default") Notification.requestPermission();
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    const now = grave();
    const fresh = [...now].filter(([key]) => !told.has(key));
    told = now;
    if (!fresh.length) return;
    say(fresh.map(([, text]) => text).join("；"));
    if (!rings()) return;
    beep();
    if (window.Notification && Notification.permission === "granted")
      for (const [key, text] of fresh) new Notification(text, { tag: key, requireInteraction: true });
  });
}

// Live updates: the server says that something changed, the page asks for its part again.
const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  const source = new EventSource(live.dataset.live);
  const state = document.getElementById("live-state");
  source.onopen = () => { if (state) { state.textContent = words.liveOn; state.className = "good"; } };
  source.onerror = () => { if (state) { state.textContent = words.liveOff; state.className = "bad"; } };
  source.addEventListener("tickets", event => {
    window.htmx.ajax("GET", live.dataset.part, { target: "#board", swap: "innerHTML" });
    if (event.data === "more") {
      document.title = `● ${document.title.replace(/^● /, "")}`;
      say(words.newTicket);
    }
  });
  source.addEventListener("ended", () => { source.close(); location.reload(); });
  addEventListener("focus", () => { document.title = document.title.replace(/^● /, ""); });
}

// Parts that are asked for again every so many seconds: not while nobody sees the page, and at once when somebody does.
for (const part of document.querySelectorAll("[data-every]")) {
  let askedAt = performance.now();
  part.addEventListener("htmx:beforeRequest", () => { askedAt = performance.now(); });
  const ask = () => {
    if (document.hidden || !window.htmx || performance.now() - askedAt < Number(part.dataset.every) * 1000) return;
    askedAt = performance.now();
    window.htmx.trigger(part, "again");
  };
  setInterval(ask, 1000);
  document.addEventListener("visibilitychange", ask);
}

// Keys. `?` lists them.
const help = document.getElementById("keys");
let first = "";
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const field = event.target.closest("input, textarea, select");
  if (field) { if (event.key === "Escape") field.blur(); return; }
  if (event.key === "?" && help) { help.open ? help.close() : help.showModal(); event.preventDefault(); return; }
  if (event.key === "/") {
    const box = document.querySelector("input[name=q]");
    if (box) { box.focus(); box.select(); event.preventDefault(); } else if (document.querySelector("[data-key=s]")) location.href = "/search";
    return;
  }
  if (first === "g") {
    first = "";
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
    return;
  }
  if (event.key === "g") { first = "g"; setTimeout(() => { first = ""; }, 1500); return; }
  const rows = [...document.querySelectorAll("[data-row]")];
  if ((event.key === "j" || event.key === "k") && rows.length) {
    const at = rows.findIndex(row => row.contains(document.activeElement));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    next.querySelector("a")?.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  if (event.key === "a") {
    const place = document.activeElement?.closest("[data-row]") ?? document;
    place.querySelector("button[data-acknowledge]")?.click();
  }
});
document.getElementById("help")?.addEventListener("click", () => help?.showModal());

// Charts.
function drawCharts() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    if (!window.echarts) return;
    const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    const style = getComputedStyle(document.documentElement), colour = name => style.getPropertyValue(name).trim();
    const colours = { negative: colour("--chart-bad"), neutral: colour("--chart-mid"), positive: colour("--chart-good") };
    const decals = { negative: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -0.785, color: "rgba(255,255,255,.45)" } };
    window.echarts.getInstanceByDom(place)?.dispose();
    const chart = window.echarts.init(place, null, { renderer: "canvas" });
    chart.setOption({
      animation: false,
      grid: { left: 40, right: 16, top: 58, bottom: 28 },
      legend: { top: 4, left: 0, textStyle: { color: colour("--ink") }, itemWidth: 14, itemHeight: 10 },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true },
      xAxis: { type: "category", data: data.days, axisLabel: { color: colour("--soft"), formatter: day => day.slice(5) }, axisLine: { lineStyle: { color: colour("--rule") } } },
      yAxis: { type: "value", minInterval: 1, axisLabel: { color: colour("--soft") }, splitLine: { lineStyle: { color: colour("--rule") } } },
      series: data.series.map((one, place) => ({
        name: one.name, type: "bar", stack: "all", data: one.values,
        itemStyle: { color: colours[one.label], decal: decals[one.label] },
        markLine: place ? undefined : {
          silent: true, symbol: "none", lineStyle: { color: colour("--accent"), type: "dashed" },
          label: { formatter: mark => mark.name, color: colour("--ink"), position: "end" },
          data: data.marks.map((mark, at) => ({ xAxis: mark.day, name: mark.name, label: { distance: 4 + 14 * (at % 2) } })),
        },
      })),
    });
    if (!place.dataset.watched) {
      place.dataset.watched = "1";
      new ResizeObserver(() => window.echarts.getInstanceByDom(place)?.resize()).observe(place);
    }
  }
}
drawCharts();
