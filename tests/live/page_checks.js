// Questions about a page as a browser has laid it out. Each returns what is wrong.
function openAll() {
  for (const each of document.querySelectorAll("details")) {
    each.removeAttribute("name");  // else only one repetition could be open
    each.open = true;
  }
}

function texts() {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    const head = parent.closest("thead, caption, .skip");
    const hidden = head && (getComputedStyle(head).clipPath !== "none" || head.className === "skip");
    if (!node.data.trim() || hidden || parent.closest("title, script") || !parent.checkVisibility()) continue;
    const clip = parent.closest(".scroll, .drawing")?.getBoundingClientRect();
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const left = Math.max(rect.left, clip?.left ?? -1e9), right = Math.min(rect.right, clip?.right ?? 1e9);
      if (right - left < 1 || rect.height < 1) continue;
      found.push({left, right, top: rect.top + rect.height * 0.2, bottom: rect.bottom - rect.height * 0.2, text: node.data.trim(), node});
    }
  }
  return found.sort((a, b) => a.top - b.top);
}

function overlaps() {
  const wrong = [];
  let open = [];
  for (const b of texts()) {
    open = open.filter(a => a.bottom > b.top);
    for (const a of open)
      if (a.node !== b.node && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - b.top > 1)
        wrong.push(`${a.text} | ${b.text}`);
    open.push(b);
  }
  return wrong;
}

function cut() {
  return texts().filter(each => each.node.parentElement.closest(".drawing")).filter(({node}) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const inside = range.getBoundingClientRect(), around = node.parentElement.closest(".drawing").getBoundingClientRect();
    return inside.left < around.left - 1 || inside.right > around.right + 1;
  }).map(each => each.text);
}

function overflow() {
  const width = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth > width ? [`${document.documentElement.scrollWidth} > ${width}`] : [];
}

function blank() {
  return [...document.querySelectorAll("svg.drawing")].filter(svg => {
    const {width, height} = svg.getBoundingClientRect();
    const drawn = [...svg.querySelectorAll("path")].some(path => path.getBoundingClientRect().width + path.getBoundingClientRect().height > 1);
    return width < 100 || height < 30 || !drawn;
  }).map(svg => svg.getAttribute("aria-label"));
}

function deadLinks() {
  return [...document.querySelectorAll("a[href^='#']")].filter(link => {
    link.click();
    const target = document.getElementById(link.getAttribute("href").slice(1));
    const top = target?.getBoundingClientRect().top;
    const atEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 2;
    return !target?.checkVisibility() || top < -1 || (top > innerHeight / 2 && !atEnd);
  }).map(link => link.getAttribute("href"));
}

function contrast(selector) {
  const light = text => {
    const [r, g, b] = text.match(/[\d.]+/g).map(n => n / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const element = document.querySelector(selector);
  let back = element;
  while (back && /, 0\)|transparent/.test(getComputedStyle(back).backgroundColor)) back = back.parentElement;
  const pair = [light(getComputedStyle(element).color), light(getComputedStyle(back).backgroundColor)].sort((a, b) => b - a);
  return (pair[0] + 0.05) / (pair[1] + 0.05);
}

function shown(selector) {
  return [...document.querySelectorAll(selector)].filter(each => each.checkVisibility() && each.getClientRects().length).length;
}

function headings() {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5")].map(each => +each.tagName[1]);
  return levels.filter((level, i) => i && level > levels[i - 1] + 1);
}
