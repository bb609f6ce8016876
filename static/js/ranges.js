// The calendar of a date range: first click the first day, second click the last. The two date fields stay the form's truth.
"use strict";

(() => {
  const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  const DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
  const parse = (text) => { const [y, m, d] = text.split("-").map(Number); return new Date(Date.UTC(y, m - 1, d)); };
  const iso = (day) => day.toISOString().slice(0, 10);
  const plus = (day, days) => new Date(day.getTime() + days * 864e5);

  function element(tag, props = {}, ...children) {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...children);
    return made;
  }

  function calendar(range) {
    const from = range.querySelector("[name=from]"), to = range.querySelector("[name=to]");
    const place = range.querySelector("[data-range-calendar]"), words = range.querySelector("[data-range-text]");
    let month = parse(to.value), open = false;
    month.setUTCDate(1);

    function turn(step) { month.setUTCMonth(month.getUTCMonth() + step); draw(); place.querySelector(step < 0 ? "[data-back]" : "[data-forward]").focus(); }

    function choose(text) {
      if (!open || text < from.value) { from.value = to.value = text; open = true; } else { to.value = text; open = false; }
      const days = Math.round((parse(to.value) - parse(from.value)) / 864e5) + 1;
      words.textContent = open ? "Now the last day" : `${days} day${days === 1 ? "" : "s"}`;
      draw();
      place.querySelector(`[data-day="${text}"]`)?.focus();
    }

    function cell(day) {
      if (day.getUTCMonth() !== month.getUTCMonth()) return element("td");
      const text = iso(day), edge = text === from.value || text === to.value;
      const button = element("button", { type: "button", textContent: String(day.getUTCDate()), disabled: Boolean(to.max) && text > to.max });
      button.dataset.day = text;
      button.setAttribute("aria-label", `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`);
      button.setAttribute("aria-pressed", String(text >= from.value && text <= to.value));
      button.addEventListener("click", () => choose(text));
      return element("td", { className: edge ? "edge" : text > from.value && text < to.value ? "inside" : "" }, button);
    }

    function draw() {
      const title = `${MONTHS[month.getUTCMonth()]} ${month.getUTCFullYear()}`;
      const back = element("button", { type: "button", textContent: "‹" }), forward = element("button", { type: "button", textContent: "›" });
      back.dataset.back = forward.dataset.forward = "";
      back.setAttribute("aria-label", "Month before");
      forward.setAttribute("aria-label", "Next month");
      back.addEventListener("click", () => turn(-1));
      forward.addEventListener("click", () => turn(1));
      const body = element("tbody");
      let day = plus(month, -((month.getUTCDay() + 6) % 7));
      do {
        const row = element("tr");
        for (let i = 0; i < 7; i += 1, day = plus(day, 1)) row.append(cell(day));
        body.append(row);
      } while (day.getUTCMonth() === month.getUTCMonth());
      const table = element("table", { className: "calendar" },
        element("thead", {}, element("tr", {}, ...DAYS.map((name) => element("th", { scope: "col", textContent: name })))), body);
      table.setAttribute("aria-label", title);
      place.replaceChildren(element("div", { className: "calendar-head" }, element("span", { textContent: title }), element("span", {}, back, forward)), table);
    }

    range.querySelector("[data-range-days]").hidden = true;
    draw();
  }

  const dress = (root) => { for (const range of root.querySelectorAll("[data-range]:not([data-dressed])")) { range.dataset.dressed = "yes"; calendar(range); } };
  dress(document);
  document.addEventListener("htmx:load", (event) => dress(event.detail.elt.parentElement || document));
})();
