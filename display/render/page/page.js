(function metalnb() {
  // Loads ECharts once per page and keeps living charts. An update of a chart
  // replaces its output by a new slot; the chart that lived in the old slot
  // moves into the new one and takes the new points, so nothing flickers.
  const nb = globalThis.__metalnb ||= {};
  if (nb.library) return;
  // The browser remembers this script, for a page that is loaded after the cell
  // that brought it has run again without it.
  try {
    const script = `(${metalnb})()`;
    if (localStorage.getItem("metalnb") !== script) localStorage.setItem("metalnb", script);
  } catch { /* the page may store nothing; then it does without */ }
  nb.charts = {}; // key -> list of {root, box, chart, parts}: one per place that shows it

  // take returns a chart of this key that has lost its place. A replaced output
  // has no parent; one that is only scrolled out of a virtual page still has.
  // Others that left the page are taken when there are many, so none leaks.
  const take = (key) => {
    const all = nb.charts[key] ||= [];
    const free = all.find((c) => !c.root.parentNode) ||
      (all.length > 3 && all.find((c) => !c.root.isConnected));
    if (free) return free;
    const box = document.createElement("div");
    box.style.cssText = "width:100%;height:100%";
    const live = { box };
    all.push(live);
    return live;
  };

  const number = (v) => v == null || isNaN(v) ? "–" : String(+Number(v).toPrecision(4));

  const mount = (slot) => {
    if (slot.contains(slot.metalnb?.box ?? null)) return;
    const option = JSON.parse(slot.dataset.option);
    option.tooltip.valueFormatter = number;
    const live = take(slot.dataset.metalnb);
    live.root = slot.closest(".metalnb");
    slot.metalnb = live;
    for (const still of slot.children) still.style.display = "none";
    slot.style.height = slot.dataset.height + "px";
    slot.append(live.box);
    if (!live.chart) {
      live.chart = nb.echarts.init(live.box, null, { renderer: "canvas" });
      new ResizeObserver(() => live.chart.resize()).observe(live.box);
    }
    live.chart.setOption(option, { notMerge: live.parts !== option.series.length });
    live.parts = option.series.length;
  };

  nb.scan = () => {
    if (nb.echarts) document.querySelectorAll("[data-metalnb]").forEach(mount);
  };

  nb.library = (async () => {
    const packed = Uint8Array.from(atob("%ECHARTS%"), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const source = await new Response(stream).text();
    const module = { exports: {} };
    new Function("module", "exports", "define", source)(module, module.exports, undefined);
    nb.echarts = module.exports;
    nb.scan();
  })();
})();
