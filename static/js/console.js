// Keys, toasts with Undo, dialogs, copy buttons, menus, colour scheme. Everything here only adds to links and forms that work without it.
"use strict";

(() => {
  const GO = { o: "overview", p: "preview", r: "rules", s: "shoppers", f: "feedback", m: "models", d: "data" };
  const TOAST_SECONDS = 10;

  const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;
  const one = (selector, root = document) => root.querySelector(selector);
  const press = (element) => { if (element) { element.click(); return true; } return false; };

  // --- Keys ---
  let going = false;

  function onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form") || one("form[data-save]");
      // The button may stand outside its form, in the page's header.
      if (form) { event.preventDefault(); form.requestSubmit(one("[data-save]", form) || one(`[data-save][form="${form.id}"]`) || undefined); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
    if (document.body.dataset.keys === "off") return;
    if (single(event)) event.preventDefault();
  }

  function single(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (going) {
      going = false;
      return key in GO && press(one(`[data-go="${GO[key]}"]`));
    }
    if (key === "g") { going = true; setTimeout(() => { going = false; }, 1500); return true; }
    if (key === "/") { const field = one("#global-search"); if (field) { field.focus(); field.select(); } return Boolean(field); }
    if (key === "?") { one("#keys").showModal(); return true; }
    if (key === "z") return press([...document.querySelectorAll("[data-undo]")].pop());
    return press([...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key.toLowerCase() === key));
  }

  // --- Toasts: gone after ten seconds, not while one looks at them ---
  function watchToast(toast) {
    if (toast.dataset.watched) return;
    toast.dataset.watched = "yes";
    let left = TOAST_SECONDS * 1000, since = Date.now(), timer;
    const run = () => { since = Date.now(); timer = setTimeout(() => toast.remove(), left); };
    const hold = () => { clearTimeout(timer); left -= Date.now() - since; };
    const resume = () => { if (!toast.matches(":hover, :focus-within")) { clearTimeout(timer); left = Math.max(left, 1500); run(); } };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", resume);
    toast.addEventListener("focusout", () => setTimeout(resume));
    run();
  }

  function toast(text) {
    const element = document.createElement("div");
    element.className = "toast";
    element.textContent = text;
    one("#toasts").append(element);
    watchToast(element);
  }

  // --- Clicks on what carries a data attribute ---
  async function copy(button) {
    const text = one("pre", button.closest(".copy")).textContent;
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied.");
    } catch {
      // No clipboard here: show the text, to be copied by hand.
      const details = button.closest("details");
      if (details) details.open = true;
      getSelection().selectAllChildren(one("pre", button.closest(".copy")));
    }
  }

  function onClick(event) {
    const target = event.target.closest("[data-opens], [data-closes], [data-copy]");
    if (!target) return;
    if (target.matches("[data-opens]")) {
      const dialog = document.getElementById(target.dataset.opens);
      if (dialog instanceof HTMLDialogElement) { event.preventDefault(); dialog.showModal(); }
    } else if (target.matches("[data-closes]")) {
      target.closest("dialog").close();
    } else {
      event.preventDefault();
      copy(target);
    }
  }

  // What must be typed to confirm holds the button back until it is.
  function onTyping(event) {
    const field = event.target.closest("[data-type-this]");
    if (field) guard(field);
  }

  function guard(field) {
    const button = one(".button-danger-solid", field.form);
    button.disabled = field.value.trim() !== field.dataset.typeThis;
  }

  // --- Menus close when one leaves them ---
  function closeMenus(event) {
    // The path, not the target: a click may have replaced what was clicked.
    for (const menu of document.querySelectorAll("details.menu[open], details.range[open]")) {
      if (event.type === "keydown" ? event.key === "Escape" : !event.composedPath().includes(menu)) {
        const inside = menu.contains(document.activeElement);
        menu.open = false;
        if (inside && event.type === "keydown") one("summary", menu).focus();
      }
    }
  }

  // --- Colour scheme: at once, and for the next page by cookie ---
  async function onTheme(event) {
    const button = event.submitter;
    if (!event.target.matches("[data-theme-form]") || button?.name !== "theme") return;
    event.preventDefault();
    const data = new FormData(event.target);
    data.set("theme", button.value);
    await fetch(event.target.action, { method: "POST", body: data, headers: { "X-Requested-With": "fetch" } });
    if (button.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = button.value;
    for (const other of event.target.querySelectorAll("[name=theme]")) other.setAttribute("aria-pressed", String(other === button));
    document.dispatchEvent(new CustomEvent("scheme-changed"));
  }

  function dress(root) {
    for (const element of root.querySelectorAll("[data-without-script]")) element.hidden = true;
    for (const element of root.querySelectorAll("[data-needs-script]")) element.hidden = false;
    for (const element of root.querySelectorAll("[data-toast]")) watchToast(element);
    for (const field of root.querySelectorAll("[data-type-this]")) guard(field);
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("keydown", closeMenus);
  document.addEventListener("click", closeMenus);
  document.addEventListener("click", onClick);
  document.addEventListener("input", onTyping);
  document.addEventListener("submit", onTheme);
  document.addEventListener("htmx:load", (event) => dress(event.detail.elt.parentElement || document));
  // What did not arrive is said; a person who was logged out meanwhile gets the whole login page, not a piece of it.
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(name, (event) => {
      if (!event.detail.elt.closest("[hx-trigger^=every]")) toast("That did not arrive. Nothing was changed; try again.");
    });
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/login/")) { event.detail.shouldSwap = false; location.reload(); }
  });
  // An address names only what is set.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.elt.matches("[data-filters]")) return;
    for (const name of Object.keys(event.detail.parameters)) if (!event.detail.parameters[name]) delete event.detail.parameters[name];
  });
  // A list that was replaced as one typed says how many it holds; its filter bar repeats that.
  document.addEventListener("htmx:afterSwap", (event) => {
    const count = one(".count", event.detail.requestConfig?.elt ?? document.body);
    if (count && event.detail.requestConfig.elt.matches("[data-filters]")) {
      const list = document.getElementById(event.detail.requestConfig.elt.getAttribute("hx-target").slice(1));
      count.textContent = one("[data-count]", list ?? document.body)?.dataset.count ?? "nothing found";
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  // Where tabs do not fit, the one that is open is in sight.
  one(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  dress(document);
  window.recsite = { toast };
})();
