// Preview by keyboard: arrows move among the tiles, ↵ asks why, Esc closes the panel. D and X are links of the page.
"use strict";

(() => {
  const SIDEWAYS = { ArrowRight: 1, ArrowLeft: -1 };

  const links = () => [...document.querySelectorAll("[data-tile-link]")];

  // The tile above or below: the nearest by its middle among those of another row.
  function beside(current, down) {
    const from = current.getBoundingClientRect();
    const rows = links().filter((link) => (link.getBoundingClientRect().top - from.top) * (down ? 1 : -1) > from.height * 2);
    const distance = (link) => {
      const box = link.getBoundingClientRect();
      return Math.abs(box.top - from.top) * 4 + Math.abs(box.left - from.left);
    };
    return rows.sort((one, other) => distance(one) - distance(other))[0];
  }

  function next(key) {
    const all = links();
    const current = all.find((link) => link === document.activeElement) ?? all.find((link) => link.ariaCurrent) ?? null;
    if (!current) return all[0];
    if (key in SIDEWAYS) return all[all.indexOf(current) + SIDEWAYS[key]];
    return beside(current, key === "ArrowDown");
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.keys === "off") return;
    if (event.target.closest("input, textarea, select, dialog[open], details[open]")) return;
    if (event.key === "Escape") {
      document.querySelector("[data-why-close]")?.click();
    } else if (event.key.startsWith("Arrow")) {
      const link = next(event.key);
      if (link) { event.preventDefault(); link.focus(); }
    }
  });
})();
