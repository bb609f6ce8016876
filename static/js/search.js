// Search as one types: htmx fetches the list, this moves through it (↑ ↓ ↵ Esc) and keeps the combobox roles true.
"use strict";

(() => {
  const fieldOf = (root) => root.querySelector("[role=combobox]");
  const listOf = (root) => root.querySelector("[role=listbox]");
  const optionsOf = (root) => [...root.querySelectorAll("[role=option]")];
  const chosenOf = (root) => root.querySelector("[role=option][aria-selected=true]");

  function mark(root, option) {
    for (const other of optionsOf(root)) other.setAttribute("aria-selected", String(other === option));
    const field = fieldOf(root);
    if (option) { field.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    else field.removeAttribute("aria-activedescendant");
  }

  function close(root) {
    listOf(root).replaceChildren();
    fieldOf(root).setAttribute("aria-expanded", "false");
    fieldOf(root).removeAttribute("aria-activedescendant");
  }

  function move(root, step) {
    const options = optionsOf(root);
    if (!options.length) return;
    const at = options.indexOf(chosenOf(root));
    mark(root, options[(at + step + options.length) % options.length]);
  }

  function choose(root, option) {
    const value = root.querySelector("[data-search-value]");
    if (!value) { if (option.href) location.href = option.href; return; }
    value.value = option.dataset.value;
    fieldOf(root).value = option.dataset.text;
    close(root);
    value.dispatchEvent(new Event("change", { bubbles: true }));
    if (root.matches("[data-search-submit]")) value.form.requestSubmit();
  }

  function onKey(event) {
    const root = event.target.closest("[data-search]");
    if (!root || event.target !== fieldOf(root)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(root, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !event.ctrlKey && chosenOf(root)) {
      event.preventDefault();
      choose(root, chosenOf(root));
    } else if (event.key === "Escape") {
      if (listOf(root).children.length) { event.preventDefault(); close(root); } else event.target.blur();
    }
  }

  document.addEventListener("keydown", onKey);

  document.addEventListener("click", (event) => {
    for (const root of document.querySelectorAll("[data-search]")) {
      const option = event.target.closest("[role=option]");
      if (option && root.contains(option)) {
        if (root.querySelector("[data-search-value]")) { event.preventDefault(); choose(root, option); }
      } else if (!event.composedPath().includes(root)) close(root);
    }
  });

  document.addEventListener("input", (event) => {
    const root = event.target.closest("[data-search]");
    if (!root || event.target !== fieldOf(root)) return;
    const value = root.querySelector("[data-search-value]");
    if (value && !event.target.value) { value.value = ""; value.dispatchEvent(new Event("change", { bubbles: true })); }
  });

  // Whatever the field is called in its form, the search is asked with q and told the field's id.
  document.addEventListener("htmx:configRequest", (event) => {
    const root = event.detail.elt.closest("[data-search]");
    if (root) event.detail.parameters = { q: fieldOf(root).value, id: fieldOf(root).id };
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const root = event.detail.target.closest("[data-search]");
    if (!root) return;
    if (!fieldOf(root).value.trim() || document.activeElement !== fieldOf(root)) { close(root); return; }
    const options = optionsOf(root);
    fieldOf(root).setAttribute("aria-expanded", String(options.length > 0));
    mark(root, options[0]);
  });
})();
