"use strict";
// Zooms the timelines. The page says everything without it.
const STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
const percent = (plot, t) => 100 * (t - plot.a) / (plot.b - plot.a);

function ticks(plot) {
  const group = plot.node.querySelector(".ticks");
  const model = plot.tick ??= group.firstElementChild?.cloneNode(true);
  if (!model) return;
  const step = STEPS.find(each => (plot.b - plot.a) / each <= 5) ?? 1200;
  group.replaceChildren();
  for (let n = Math.ceil(plot.a / step); n * step <= plot.b; n++) {
    const at = percent(plot, n * step);
    if (at < 3 || at > 95) continue;
    const tick = model.cloneNode(true);
    tick.setAttribute("x", at + "%");
    tick.lastElementChild.textContent = +(n * step).toFixed(2) + " s";
    group.append(tick);
  }
}

function draw(plot) {
  const {node, a, b} = plot;
  const box = plot.view.viewBox.baseVal;
  box.x = a * 1000;
  box.width = (b - a) * 1000;
  for (const each of node.querySelectorAll(".drawing > .at")) {
    const x = percent(plot, each.dataset.t);
    each.setAttribute("x", x + "%");
    each.style.display = x < 0 || x > 100 ? "none" : "";
    if (each.classList.contains("name")) each.classList.toggle("end", x > 60);
  }
  for (const each of node.querySelectorAll(".stretch")) {
    const [from, to] = [each.dataset.a, each.dataset.b].map(t => Math.min(100, Math.max(0, percent(plot, t))));
    each.setAttribute("x", from + "%");
    each.setAttribute("width", to - from + "%");
  }
  ticks(plot);
  node.classList.toggle("zoomed", b - a < plot.end - plot.start);
}

function show(plot, a, length) {
  length = Math.min(plot.end - plot.start, Math.max(0.5, length));
  plot.a = Math.min(plot.end - length, Math.max(plot.start, a));
  plot.b = plot.a + length;
  draw(plot);
}

const zoom = (plot, factor, share = 0.5) => {
  const length = plot.b - plot.a;
  show(plot, plot.a + share * length * (1 - factor), length * factor);
};
const move = (plot, share) => show(plot, plot.a + share * (plot.b - plot.a), plot.b - plot.a);
const ACTIONS = {
  "+": plot => zoom(plot, 0.5), "=": plot => zoom(plot, 0.5), "-": plot => zoom(plot, 2),
  "0": plot => show(plot, plot.start, Infinity), ArrowLeft: plot => move(plot, -0.2), ArrowRight: plot => move(plot, 0.2),
};

function tools(plot) {
  const bar = document.createElement("div");
  bar.className = "tools";
  for (const [key, text, name] of [["-", "−", "Zoom out"], ["+", "+", "Zoom in"], ["0", "all", "Show all"]]) {
    const button = document.createElement("button");
    Object.assign(button, {type: "button", textContent: text, onclick: () => ACTIONS[key](plot)});
    button.setAttribute("aria-label", name + ", " + plot.node.getAttribute("aria-label"));
    bar.append(button);
  }
  plot.node.before(bar);
}

function drag(plot, down) {
  const width = plot.node.clientWidth;
  const [a, length] = [plot.a, plot.b - plot.a];
  const follow = event => show(plot, a - (event.clientX - down.clientX) / width * length, length);
  plot.node.setPointerCapture(down.pointerId);
  plot.node.addEventListener("pointermove", follow);
  plot.node.addEventListener("lostpointercapture", () => plot.node.removeEventListener("pointermove", follow), {once: true});
}

for (const node of document.querySelectorAll(".plot")) {
  const [start, end] = [+node.dataset.a, +node.dataset.b];
  const plot = {node, start, end, a: start, b: end, view: node.querySelector(".view")};
  tools(plot);
  node.addEventListener("keydown", event => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : ACTIONS[event.key];
    if (act) { act(plot); event.preventDefault(); }
  });
  node.addEventListener("wheel", event => {
    if (document.activeElement !== node && !event.ctrlKey) return;  // else the page scrolls
    const share = (event.clientX - node.getBoundingClientRect().x) / node.clientWidth;
    zoom(plot, event.deltaY > 0 ? 1.25 : 0.8, share);
    event.preventDefault();
  }, {passive: false});
  node.addEventListener("pointerdown", event => { if (event.button === 0) drag(plot, event); });
}
for (const each of document.querySelectorAll(".script")) each.hidden = false;
