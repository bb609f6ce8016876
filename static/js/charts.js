// Draws each [data-chart] with Plotly, whose bundle is fetched when the first chart comes into view. Figures name colours by
// token ("--accent", "--accent/.07", "hue:140"); the tokens are read when drawing, and again when the scheme changes.
"use strict";

(() => {
  const bundle = document.currentScript.dataset.plotly;
  const probe = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  let loading;

  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: bundle });
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("the chart library did not arrive"));
      document.head.append(script);
    });
    return loading;
  }

  // Plotly does not know oklch: paint one pixel and read it back.
  function rgb(colour, alpha) {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    return `rgba(${r},${g},${b},${alpha})`;
  }

  function colour(token, style) {
    const [name, alpha = "1"] = token.split("/");
    if (name.startsWith("hue:")) {
      const dark = style.colorScheme === "dark";
      return rgb(`oklch(${dark ? ".42 .055" : ".885 .055"} ${name.slice(4)})`, alpha);
    }
    return rgb(style.getPropertyValue(name).trim(), alpha);
  }

  function coloured(value, style) {
    if (typeof value === "string") return /^(--[a-z]|hue:)/.test(value) ? colour(value, style) : value;
    if (Array.isArray(value)) return value.map((part) => coloured(part, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part, style)]));
    return value;
  }

  async function draw(chart) {
    const canvas = chart.querySelector(".chart-canvas");
    try {
      const Plotly = await load();
      const figure = coloured(JSON.parse(chart.querySelector("script[type='application/json']").textContent), getComputedStyle(document.documentElement));
      chart.querySelector(".chart-wait")?.remove();
      await Plotly.react(canvas, figure.data, { ...figure.layout, autosize: true }, { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false });
      chart.dataset.drawn = "yes";
      follow(canvas, chart);
    } catch (error) {
      const wait = chart.querySelector(".chart-wait");
      if (wait) wait.textContent = `No chart: ${error.message}. The numbers are under “Data”.`;
    }
  }

  // A click on a bar or area follows the address that stands in its customdata.
  function follow(canvas, chart) {
    if (chart.dataset.followed) return;
    chart.dataset.followed = "yes";
    canvas.on("plotly_click", (event) => {
      const link = event.points?.[0]?.customdata;
      if (typeof link === "string" && link.startsWith("/")) location.href = link;
    });
    if (chart.dataset.chart === "treemap") canvas.on("plotly_treemapclick", (event) => !(typeof event.points?.[0]?.customdata === "string"));
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "400px" });

  const watch = (root) => { for (const chart of root.querySelectorAll("[data-chart]:not([data-drawn])")) seen.observe(chart); };
  const redraw = () => { for (const chart of document.querySelectorAll("[data-chart][data-drawn]")) draw(chart); };

  // What lies further down is drawn when the browser has nothing else to do: a print or a picture of the page is whole.
  const idle = () => new Promise((go) => (window.requestIdleCallback ?? setTimeout)(go));
  async function drawRest() {
    for (const chart of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
      await idle();
      if (chart.dataset.drawn || !chart.offsetParent) continue; // in a closed part of the page it has no width yet
      seen.unobserve(chart);
      await draw(chart);
    }
  }

  watch(document);
  window.addEventListener("load", drawRest);
  document.addEventListener("htmx:load", (event) => watch(event.detail.elt.parentElement || document));
  document.addEventListener("scheme-changed", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => watch(document));
})();
