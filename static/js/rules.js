// Rules: Alt ↑ and Alt ↓ press the buttons of the row that one stands on. In the editor: what was chosen from a search
// stands in its list from then on, so the search is emptied for the next; and a button of often chosen times fills both.
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

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#rule-form [data-starts]");
    if (!button) return;
    event.preventDefault();
    document.querySelector("#rule-starts").value = button.dataset.starts;
    const ends = document.querySelector("#rule-ends");
    ends.value = button.dataset.ends;
    ends.dispatchEvent(new Event("input", { bubbles: true }));
  });

  document.addEventListener("htmx:afterSettle", () => {
    for (const value of document.querySelectorAll("#rule-form [name^=add_][data-search-value]")) {
      if (!value.value) continue;
      value.value = "";
      value.closest("[data-search]").querySelector("[role=combobox]").value = "";
    }
  });
})();
