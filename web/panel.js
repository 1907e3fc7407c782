// SPDX-License-Identifier: Apache-2.0
// The panel: which page the path asks for, who is here, and what happens while one looks.
import { get, hasLink, login, logout, Problem, post, remove, session, useLink } from "./api.js";
import { casePage } from "./case.js";
import { ago, card, chip, el, facts, navigate, safe, say, table, time } from "./dom.js";

const main = document.getElementById("main");
let who = null;
let page = null;
let stream = null;

const pages = [["/", "Cases"], ["/sources", "Sources"], ["/events", "Live"], ["/access", "Access"]];

async function casesPage(state) {
  const node = el("div", {});
  async function draw() {
    const list = await get("/cases?limit=200&state=" + state);
    node.replaceChildren(el("h1", { tabindex: -1 }, state === "all" ? "All cases" : "Open cases"),
      el("p", { class: "lead" }, el("a", { href: state === "all" ? "/" : "/cases", "data-go": true }, state === "all" ? "Only open ones" : "Closed ones too")),
      el("section", { class: "card" }, table([
        { title: "Source", show: (c) => el("span", { class: "mono" }, c.source) }, { title: "Tenant", show: (c) => c.tenant && safe(c.tenant) },
        { title: "State", show: (c) => chip(c.state) }, { title: "Rung", show: (c) => el("span", {}, chip(c.rung), c.mode === "observe" ? [" ", chip("would")] : "") },
        { title: "Why", show: (c) => safe(c.reason || "") }, { title: "Opened", show: (c) => ago(c.opened_at) },
      ], list.items, ["No open cases", "Nobody's mail is shut."], (c) => "/case/" + c.id)));
  }
  await draw();
  return { node, title: "Cases", refresh: draw, live: true };
}

async function sourcesPage() {
  const node = el("div", {});
  const verdict = el("select", { name: "verdict" }, ["", "abused", "suspect", "healthy", "unknown"].map((v) => el("option", { value: v }, v || "any")));
  const prefix = el("input", { name: "prefix", placeholder: "192.0.2.", autocomplete: "off" });
  const box = el("section", { class: "card" });
  async function draw() {
    const list = await get("/sources?limit=200" + (verdict.value && "&verdict=" + verdict.value) +
      (prefix.value && "&prefix=" + encodeURIComponent(prefix.value)));
    box.replaceChildren(table([
      { title: "Source", show: (s) => el("span", { class: "mono" }, s.source) }, { title: "Network", show: (s) => s.network }, { title: "Tenant", show: (s) => s.tenant && safe(s.tenant) },
      { title: "Verdict", show: (s) => chip(s.verdict) }, { title: "Rung", show: (s) => chip(s.rung) },
      { title: "Messages", num: true, show: (s) => s.messages }, { title: "Flagged", num: true, show: (s) => s.flagged }, { title: "Seen", show: (s) => ago(s.seen_at) },
    ], list.items, ["No sources", "No mail was seen that fits."], (s) => "/source/" + encodeURIComponent(s.source) + (s.network ? "?network=" + encodeURIComponent(s.network) : "")));
  }
  const changed = () => draw().catch((p) => say(p.message));
  verdict.addEventListener("change", changed);
  prefix.addEventListener("input", changed);
  node.append(el("h1", { tabindex: -1 }, "Sources"), el("p", { class: "lead" }, "Who sends mail, the worst first."),
    el("div", { class: "filters" }, el("label", {}, "Verdict", verdict), el("label", {}, "Address begins with", prefix)), box);
  await draw();
  return { node, title: "Sources", refresh: draw, live: true };
}

async function sourcePage(source, network) {
  const node = el("div", {});
  async function draw() {
    const s = await get("/sources/" + encodeURIComponent(source) + (network ? "?network=" + encodeURIComponent(network) : ""));
    node.replaceChildren(el("h1", { tabindex: -1 }, s.source),
      el("p", { class: "lead" }, s.server ? `Server ${s.server}` : "No server of a tenant", s.tenant ? ` of ${s.tenant}` : "", s.network ? ` · network ${s.network}` : ""),
      el("div", { class: "chips" }, chip(s.verdict), chip(s.rung)),
      card("Facts", facts([["Open case", s.case && el("a", { href: "/case/" + s.case, "data-go": true }, "case " + s.case)], ["Messages", s.messages], ["Flagged", s.flagged],
        ["Last seen", time(s.seen_at)], ["Rule", s.proof && safe(s.proof.rule)]])),
      card("Evidence", table([{ title: "Kind", show: (e) => e.kind }, { title: "Leg", show: (e) => e.leg }, { title: "Sum", num: true, show: (e) => e.s.toFixed(3) },
        { title: "Threshold", num: true, show: (e) => e.h.toFixed(1) }, { title: "Trials", num: true, show: (e) => e.trials }, { title: "Bad", num: true, show: (e) => e.bad }],
      s.evidence, ["No evidence", "Nothing speaks against it."])),
      card("Orders", table([{ title: "Given", show: (o) => time(o.given_at) }, { title: "Rung", show: (o) => chip(o.rung) }, { title: "State", show: (o) => chip(o.state) },
        { title: "By", show: (o) => safe(o.who || o.giver) }, { title: "Reason", show: (o) => safe(o.reason || "") }, { title: "Refused", num: true, show: (o) => o.hits }],
      s.orders, ["No orders", "Nobody has moved it on the ladder."])));
  }
  await draw();
  return { node, title: source, refresh: draw, live: true };
}

async function eventsPage() {
  const rows = el("tbody", {});
  const row = (e) => el("tr", {}, el("td", {}, time(e.time)), el("td", {}, e.event), el("td", { class: "mono" }, e.source || "–"), el("td", {}, safe(e.text || "")));
  const list = await get("/events?limit=200");
  rows.append(...list.items.map(row));
  const node = el("div", {}, el("h1", { tabindex: -1 }, "Live"), el("p", { class: "lead" }, "What happens, as it happens."),
    el("section", { class: "card scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["Time", "Event", "Source", "What"].map((t) => el("th", { scope: "col" }, t)))), rows)));
  return { node, title: "Live", event: (e) => {
    rows.prepend(row(e));
    while (rows.childNodes.length > 500) rows.lastChild.remove();
  } };
}

async function accessPage() {
  const node = el("div", {});
  const made = el("div", {});
  const name = el("input", { name: "name", required: true, maxlength: 64, autocomplete: "off" });
  const role = el("select", { name: "role" }, ["staff", "observer", "owner"].map((r) => el("option", { value: r }, r)));
  const tenant = el("input", { name: "tenant", autocomplete: "off" });
  const box = el("section", { class: "card" });
  async function draw() {
    const list = await get("/tokens?limit=200");
    box.replaceChildren(el("h2", {}, "Tokens"), table([
      { title: "Name", show: (t) => safe(t.name || "") }, { title: "Role", show: (t) => t.role }, { title: "Kind", show: (t) => t.kind }, { title: "Tenant", show: (t) => t.tenant },
      { title: "Used", show: (t) => t.used_at ? ago(t.used_at) : "never" }, { title: "Until", show: (t) => time(t.expires_at) },
      { title: "", show: (t) => t.revoked ? chip("revoked") : el("button", { type: "button", class: "quiet", onclick: async () => {
        try { await remove("/tokens/" + t.id); await draw(); } catch (p) { say(p.message); }
      } }, "Revoke") },
    ], list.items, ["No tokens", ""]));
  }
  const form = el("form", { onsubmit: async (e) => {
    e.preventDefault();
    try {
      const body = { name: name.value, role: role.value };
      if (tenant.value) body.tenant = tenant.value;
      const t = await post("/tokens", body);
      made.replaceChildren(el("div", { class: "answer good", role: "alert" }, el("p", {}, el("strong", {}, "Shown this once: "), el("code", { id: "token-made" }, t.token))));
      await draw();
    } catch (p) { say(p.message); }
  } }, el("div", { class: "filters" }, el("label", {}, "Whose is it?", name), el("label", {}, "Role", role), el("label", {}, "Tenant ", el("small", {}, "of an owner"), tenant)),
  el("button", { type: "submit" }, "Make a token"));
  node.append(el("h1", { tabindex: -1 }, "Access"), el("p", { class: "lead" }, "Who may use the API and this panel."), card("New token", made, form), box);
  await draw();
  return { node, title: "Access", live: false };
}

function loginPage(then) {
  const token = el("input", { name: "token", id: "token", type: "password", required: true, autocomplete: "current-password" });
  const answer = el("div", {});
  const form = el("form", { onsubmit: async (e) => {
    e.preventDefault();
    try {
      who = await login(token.value.trim());
      await enter();
      navigate(then);
    } catch (problem) {
      answer.replaceChildren(el("div", { class: "answer bad", role: "alert" }, el("p", {}, problem.status === 401 ? "This token is unknown, revoked or over." : problem.message)));
      token.select();
    }
  } }, el("label", {}, "Token", token), el("button", { type: "submit", id: "login" }, "Log in"));
  const node = el("div", { class: "login" }, el("p", { class: "brand" }, el("img", { src: "/icon.svg", alt: "" }), "postern"),
    el("section", { class: "card" }, answer, form),
    el("p", { class: "lead" }, "The first token lies in the state folder, in ", el("code", {}, "first-token"), ". More: ", el("code", {}, "postern token add NAME"), "."));
  return { node, title: "Log in", focus: token };
}

function choosePage() {
  const path = location.pathname;
  const query = new URLSearchParams(location.search);
  const found = path.match(/^\/case\/(\d+)$/);
  const source = path.match(/^\/source\/(.+)$/);
  if (found) return casePage(found[1], who);
  if (source) return sourcePage(decodeURIComponent(source[1]), query.get("network"));
  if (path === "/sources") return sourcesPage();
  if (path === "/events") return eventsPage();
  if (path === "/access") return accessPage();
  return casesPage(path === "/cases" ? "all" : "open");
}

function failed(problem) {
  return { node: el("div", {}, el("h1", { tabindex: -1 }, problem.status === 404 ? "There is nothing here" : "That did not work"),
    el("p", { class: "lead" }, problem.message), el("p", {}, el("a", { href: "/", "data-go": true }, "To the open cases"))), title: "Problem" };
}

async function show() {
  const path = location.pathname;
  try {
    if (!who) {
      const then = new URLSearchParams(location.search).get("then");
      page = loginPage(then && then.startsWith("/") && !then.startsWith("//") ? then : path + location.search);
    } else page = await choosePage();
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) { who = null; leave(); page = loginPage(path); } else page = failed(problem);
  }
  main.replaceChildren(page.node);
  document.title = page.title + " – postern";
  for (const a of document.querySelectorAll("#nav a")) {
    const here = a.getAttribute("href") === (path === "/cases" || path.startsWith("/case/") ? "/" : path.startsWith("/source/") ? "/sources" : path);
    if (here) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
  }
  (page.focus || main.querySelector("h1") || main).focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

async function health() {
  const box = document.getElementById("health");
  if (who && (who.role === "staff" || who.role === "observer")) {
    try {
      const s = await get("/status");
      const down = s.processes.filter((p) => p.state !== "up").map((p) => `${p.name} is ${p.state}`);
      const trouble = s.brake.on ? "Brake is on" : down.length ? down.join(", ") : s.desk.store_trouble ? "Store in trouble" : "";
      const observes = s.networks.length > 0 && s.networks.every((n) => n.mode === "observe");
      box.textContent = trouble || (observes ? "● observing" : "● all well");
      box.className = "health " + (trouble ? "bad" : "good");
    } catch (problem) { box.textContent = problem.message; box.className = "health bad"; }
  }
}

let refreshTimer = 0;
function refreshSoon() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => { if (page && page.live) page.refresh().catch(() => {}); health(); }, 400);
}

function listen() {
  if (stream || hasLink() || !(who.role === "staff" || who.role === "observer")) return;
  stream = new EventSource("/api/v1/events");
  const take = (message) => {
    if (page && page.event) page.event(JSON.parse(message.data));
    refreshSoon();
  };
  for (const kind of ["verdict", "rung", "order", "spike", "brake", "notice", "case"]) stream.addEventListener(kind, take);
  stream.addEventListener("open", refreshSoon);
}

function leave() {
  document.getElementById("head").hidden = true;
  if (stream) stream.close();
  stream = null;
}

async function enter() {
  const shown = pages.filter(([path]) => who.role === "staff" || (who.role === "observer" && path !== "/access") || (who.role === "owner" && (path === "/" || path === "/sources")));
  document.getElementById("nav").replaceChildren(...(who.role === "link" ? [] : shown.map(([path, name]) => el("a", { href: path, "data-go": true }, name))));
  document.getElementById("who").textContent = who.role === "link" ? "by the link of a notice" : `${who.name || ""} (${who.role})`;
  document.getElementById("logout").hidden = who.role === "link";
  document.getElementById("head").hidden = false;
  listen();
  health();
}

document.addEventListener("click", (e) => {
  const a = e.target.closest("a[data-go]");
  if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey) return;
  e.preventDefault();
  navigate(a.getAttribute("href"));
});
document.getElementById("logout").addEventListener("click", async () => {
  try { await logout(); } catch (problem) { say(problem.message); }
  who = null;
  leave();
  navigate("/");
});
window.addEventListener("popstate", show);

// The key of a notice's link is taken out of the address at once: it is for this tab only.
const key = new URLSearchParams(location.search).get("key");
const linked = location.pathname.match(/^\/case\/(\d+)$/);
try {
  who = await session();
} catch {
  who = null;
}
if (key && linked) {
  history.replaceState(null, "", location.pathname);
  if (!who) {
    useLink(linked[1] + ":" + key);
    try { who = await session(); } catch { who = null; say("This link is not valid any more. Log in to see the case."); }
  }
}
if (who) await enter();
await show();
