// Rules: Alt ↑ and Alt ↓ press the buttons of the row that one stands on. In the editor: what was chosen from a search
// stands in its list from then on, so the search is emptied for the next.
"use strict";

(() => {
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const row = event.target.closest("[data-rule]");
    const button = row?.querySelector(`[data-move=${event.key === "ArrowUp" ? "up" : "down"}]`);
    if (!row) return;
    event.preventDefault();
    button?.click();
  });

  document.addEventListener("htmx:afterSettle", () => {
    for (const value of document.querySelectorAll("#rule-form [name^=add_][data-search-value]")) {
      if (!value.value) continue;
      value.value = "";
      value.closest("[data-search]").querySelector("[role=combobox]").value = "";
    }
  });
})();
