// The wall: its panels take turns. Without scripts they stand one below the other.
"use strict";
const panels = [...document.querySelectorAll("[data-panel]")];
if (panels.length > 1) {
  let at = 0;
  const turn = () => { panels.forEach((panel, place) => { panel.hidden = place !== at; }); at = (at + 1) % panels.length; };
  turn();
  setInterval(turn, 12000);
}
// What is shown is at most a minute old.
setTimeout(() => location.reload(), 60000);
