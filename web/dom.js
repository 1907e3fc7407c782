// SPDX-License-Identifier: Apache-2.0
// What all pages share: elements made from values, never from text that is markup. What strangers
// wrote (subjects, mail, names) goes through here and stays text.

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

// Control characters and marks that turn a line around are shown, not obeyed.
export function safe(text) {
  // eslint-disable-next-line no-control-regex
  return String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function time(text) {
  if (!text) return "–";
  const at = new Date(text);
  return el("time", { datetime: text, title: text }, clock.format(at));
}

export function ago(text) {
  if (!text) return "–";
  const s = Math.round((Date.now() - new Date(text).getTime()) / 1000);
  const word = s < 60 ? "just now" : s < 3600 ? `${Math.floor(s / 60)} min ago` : s < 86400 ? `${Math.floor(s / 3600)} h ago`
    : `${Math.floor(s / 86400)} d ago`;
  return el("time", { datetime: text, title: clock.format(new Date(text)) }, s < 0 ? clock.format(new Date(text)) : word);
}

const tones = {
  block: "bad", abused: "bad", failed: "bad", open: "bad", inert: "bad", refused: "bad",
  throttle: "warn", divert: "warn", suspect: "warn", acknowledged: "warn", fixing: "warn", unblock_requested: "warn", would: "warn",
  unsure: "warn", queued: "info", watch: "info", probation: "info", observe: "info", wanted: "info",
  pass: "good", healthy: "good", closed: "good", proved: "good", installed: "good", sent: "good", up: "good",
};

export function chip(word, title) {
  return el("span", { class: "chip " + (tones[word] || ""), title }, String(word).replaceAll("_", " "));
}

// A table whose rows lead somewhere: the first cell holds the link, the whole row takes the click.
export function table(columns, items, none, go) {
  if (items.length === 0) return el("div", { class: "empty" }, el("b", {}, none[0]), none[1]);
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, columns.map((c) => el("th", { scope: "col", class: c.num && "num" }, c.title)))),
    el("tbody", {}, items.map((item) => {
      const to = go && go(item);
      return el("tr", { class: to && "row", onclick: to && ((e) => { if (!e.target.closest("a,button")) navigate(to); }) },
        columns.map((c, i) => {
          const value = c.show(item);
          const shown = value === null || value === undefined ? "–" : value;
          return el("td", { class: c.num && "num" }, i === 0 && to ? el("a", { href: to, "data-go": true }, shown) : shown);
        }));
    }))));
}

export function facts(rows) {
  return el("dl", { class: "facts" }, rows.filter((r) => r && r[1] !== null && r[1] !== undefined && r[1] !== "")
    .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

export function card(title, ...children) {
  return el("section", { class: "card", "aria-label": title }, el("h2", {}, title), ...children);
}

export function navigate(path) {
  history.pushState(null, "", path);
  window.dispatchEvent(new Event("popstate"));
}

let saidTimer = 0;
export function say(text) {
  const box = document.getElementById("said");
  box.textContent = text;
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => { box.textContent = ""; }, 6000);
}
