// SPDX-License-Identifier: Apache-2.0
// One case: what was seen, what is proved, what to do, and what has happened.
import { get, getWithTag, post, hasLink, Problem } from "./api.js";
import { ago, card, chip, el, facts, safe, say, table, time } from "./dom.js";

const kinds = {
  content: "what the mail says", recipients: "unknown recipients", opinion: "refusals of the far side", shared: "same mail from strangers",
  helo: "its own name", sender: "sender domains", fanout: "connections", complaint: "complaints", listing: "blocklists", trap: "traps",
  defiance: "tried while blocked",
};
const checkNames = {
  no_refused_envelope: "No more such mail is tried", cool_down: "The cool-down is over", cause_and_fix: "Cause and fix are stated",
};
const marks = { proved: "✓", reported: "✓", not_proved: "?", failed: "✗" };
const results = { proved: "proved", reported: "as you say", not_proved: "not proved", failed: "not yet" };

function checksList(unblock) {
  return el("ul", { class: "checks" }, unblock.checks.map((c) => el("li", {},
    el("span", { class: "mark " + c.result, "aria-hidden": "true" }, marks[c.result] || "?"),
    el("div", {}, el("p", {}, el("strong", {}, checkNames[c.name] || c.name), " – ", results[c.result] || c.result),
      el("p", { class: "detail" }, safe(c.detail))))));
}

function legs(evidence) {
  if (evidence.length === 0) return el("p", { class: "empty" }, "This order rests on no evidence of the judge.");
  return evidence.map((e) => el("div", { class: "leg" },
    el("span", {}, e.kind),
    el("meter", { min: 0, max: Math.max(e.h * 1.25, e.s), low: Math.min(6, e.h - 1), high: e.h, optimum: 0, value: e.s,
      "aria-label": `${e.kind}: ${e.s.toFixed(1)} of ${e.h.toFixed(1)}` }),
    el("span", { class: "num" }, `${e.s.toFixed(1)} of ${e.h.toFixed(1)}`),
    el("small", {}, `${kinds[e.kind] || e.kind}: ${e.bad} of ${e.trials} bad (leg ${e.leg})`)));
}

function seen(c) {
  const p = c.proof;
  const count = (n, word) => el("li", {}, el("b", {}, n), el("span", {}, word));
  return card("What was seen",
    p && el("ul", { class: "counts" }, count(p.flagged, `flagged of ${p.messages} messages`),
      count(p.recipients_unknown, `unknown of ${p.recipients} recipients`), count(p.campaigns_flagged, "campaigns of spam")),
    p && el("p", { class: "lead" }, "First ", time(p.first_flagged), ", last ", time(p.last_flagged), ". Rule: ", safe(p.rule), "."),
    legs(c.evidence));
}

function message(m) {
  const body = el("div", {});
  const load = async () => {
    if (body.childNodes.length > 0) return;
    body.append(facts([["Message-ID", el("code", {}, safe(m.message_id || "none"))], ["Envelope from", safe(m.mail_from || "<>")],
      ["HELO", m.helo && safe(m.helo)], ["To", m.recipients.map((r) => safe(r.domain) + (r.reply_code ? ` (${r.reply_code})` : "")).join(", ")],
      ["Sent to", `${m.destination}, port ${m.dport}`], ["Answer", m.reply && safe(m.reply)], ["Why flagged", m.reasons.map(safe).join("; ")]]));
    const whole = el("button", { type: "button", class: "quiet" }, "Show the mail itself");
    whole.addEventListener("click", async () => {
      whole.disabled = true;
      try {
        const full = await get("/messages/" + m.id);
        whole.replaceWith(el("pre", { tabindex: 0, "aria-label": "the mail as text" }, safe((full.head || "").replaceAll("\r\n", "\n"))));
      } catch (problem) { say(problem.message); whole.disabled = false; }
    });
    body.append(el("p", {}, whole, " ", el("span", { class: "who" }, "Looking at it is written into the audit log.")));
  };
  return el("details", { ontoggle: load }, el("summary", {}, el("span", { class: "subject" }, safe(m.subject || "(no subject)")),
    el("span", { class: "chip bad" }, "score " + m.score.toFixed(2)), el("span", { class: "when" }, time(m.time))), body);
}

function answerBox(answer) {
  const granted = answer.decision === "granted";
  const words = {
    granted: ["Open again.", "Mail flows; thresholds are tighter until the probation ends."],
    staff: ["Noted.", "Staff decide about this one and have your request."],
    refused: ["Not opened yet.", "What is missing is marked below; nothing is lost by asking again."],
    warned: ["Not all of it is proved.", "If the cause is still there it will be shut again, and for longer. You may open it anyway."],
  }[answer.decision] || [answer.decision, ""];
  return el("div", { class: "answer " + (granted ? "good" : answer.decision === "refused" ? "bad" : ""), role: "alert", id: "answer" },
    el("p", {}, el("strong", {}, words[0])), el("p", {}, words[1]));
}

function unblockCard(c, who, etag, redraw, shown) {
  if (!c.unblock) return null;
  const box = el("div", {}, shown && answerBox(shown), checksList(shown ? shown.unblock : c.unblock));
  const title = "Unblock";
  if (who.role === "link") {
    return card(title, box, el("p", {}, "This link lets you see the case and acknowledge it. To unblock, ",
      el("a", { href: "/?then=/case/" + c.id }, "log in"), ": the mailbox may be in the intruder's hands."));
  }
  if (who.role === "observer") return card(title, box);
  const cause = el("textarea", { name: "cause", id: "cause", required: true, maxlength: 2000 });
  const fix = el("textarea", { name: "fix", id: "fix", required: true, maxlength: 2000 });
  const said = c.doctor_reports.length ? c.doctor_reports[0].report.proposal : { cause: "", fix: "" };
  cause.value = c.cause || said.cause;
  fix.value = c.fix || said.fix;
  const button = el("button", { type: "submit", id: "unblock" }, "Unblock");
  const insist = shown && shown.decision === "warned" ? el("button", { type: "button", class: "danger", id: "insist" }, "Open anyway") : null;
  const send = async (insists) => {
    button.disabled = true;
    try {
      let answer;
      try {
        answer = await post(`/cases/${c.id}/unblock`, { cause: cause.value, fix: fix.value, insist: insists });
      } catch (problem) {
        if (!(problem instanceof Problem) || problem.status !== 409 || !problem.body || !problem.body.unblock) throw problem;
        answer = problem.body;
      }
      await redraw(answer, { cause: cause.value, fix: fix.value });
    } catch (problem) { say(problem.message); button.disabled = false; }
  };
  if (insist) insist.addEventListener("click", () => send(true));
  const form = el("form", { onsubmit: (e) => { e.preventDefault(); send(false); } },
    el("label", {}, "What was the cause? ", el("small", {}, "a stolen password, a form, an old plugin …"), cause),
    el("label", {}, "What did you do about it?", fix), el("div", { class: "buttons" }, button, insist));
  return card(title, box, form);
}

const causes = {
  password: "a stolen password", form: "a form that strangers misuse", site: "a script in a site", server: "the machine itself",
  forwarding: "forwarded foreign mail", backscatter: "notices to forged senders", open_relay: "an open relay", bulk: "own bulk mail",
  direct: "a program that bypasses the mail server", unknown: "not known",
};

function doctorCard(reports) {
  if (!reports.length) return null;
  return card("What the doctor reported", el("p", { class: "lead" }, "Said by the customer's side, not proved. No check rests on it."),
    reports.map(({ report: r, ...row }) => el("div", { class: "doctor" },
      el("p", {}, el("strong", {}, causes[r.cause] || r.cause), r.source ? [", ", r.source.kind, " ", el("code", {}, safe(r.source.name))] : null,
        ` (${Math.round(r.confidence * 100)} % sure)`),
      facts([["Reported", time(row.received_at)], ["By", safe(row.who)],
        ["Messages", r.numbers && `${r.numbers.messages} to ${r.numbers.recipients} recipients`],
        ["Queue", r.queue && r.queue.of_source !== null ? `${r.queue.of_source} of this source left` : null],
        ["Source", r.source_stopped ? "stopped, as they say" : "not known to have stopped"],
        ["Because", r.not_stopped.length ? r.not_stopped.map(safe).join("; ") : null]]),
      r.actions.length ? el("ul", {}, r.actions.map((a) => el("li", {}, a.what, ": ", safe(a.detail), a.time ? [" · ", time(a.time)] : null))) : null,
      r.evidence && r.evidence.length ? el("details", {}, el("summary", {}, "Lines of the log"),
        el("pre", { tabindex: 0 }, r.evidence.map((e) => `${safe(e.file)}:${e.line}: ${safe(e.text)}`).join("\n"))) : null)));
}

function noteForm(c, redraw) {
  const text = el("input", { name: "text", maxlength: 4096, required: true, placeholder: "Write a note" , "aria-label": "Note" });
  return el("form", { class: "note", onsubmit: async (e) => {
    e.preventDefault();
    try { await post(`/cases/${c.id}/notes`, { text: text.value }); text.blur(); await redraw(); } catch (problem) { say(problem.message); }
  } }, text);
}

function actions(c, who, etag, redraw) {
  const act = (label, path, body, then) => el("button", { type: "button", class: "quiet", onclick: async (e) => {
    e.target.disabled = true;
    try { await post(`/cases/${c.id}/${path}`, body, etag); say(then); await redraw(); } catch (problem) { say(problem.message); e.target.disabled = false; }
  } }, label);
  const list = [];
  if (c.state === "open" && who.role !== "observer") list.push(act("Acknowledge", "acknowledge", {}, "Acknowledged"));
  if ((c.state === "open" || c.state === "acknowledged") && (who.role === "staff" || who.role === "owner")) {
    list.push(act("I am working on it", "fixing", {}, "Noted: it is being worked on"));
  }
  if (who.role === "staff" && c.state !== "closed" && c.rung !== "block") list.push(act("Close", "close", { reason: "closed in the panel" }, "Closed"));
  return list.length ? el("div", { class: "buttons" }, list) : null;
}

function story(c, who, redraw) {
  if (c.story.length === 0 && who.role === "link") return null;
  return card("Story", el("ol", { class: "story" }, c.story.map((s) => el("li", {},
    el("p", {}, safe(s.text || s.what)), el("p", { class: "meta" }, safe(s.who), " · ", safe(s.what.replaceAll("_", " ")), " · ", time(s.time))))),
    who.role === "staff" || who.role === "owner" ? noteForm(c, redraw) : null);
}

export async function casePage(id, who) {
  const page = el("div", {});
  let tag = null;
  async function draw(shown, typed) {
    const { value, etag } = await getWithTag("/cases/" + encodeURIComponent(id));
    // What happens elsewhere must not take a half-written answer, or the cursor, away.
    const writes = page.contains(document.activeElement) && /^(TEXTAREA|INPUT)$/.test(document.activeElement.tagName);
    if (!shown && !typed && page.childNodes.length && (tag === etag || writes)) return;
    const before = typed || { cause: page.querySelector("#cause")?.value, fix: page.querySelector("#fix")?.value };
    tag = etag;
    const c = { ...value, cause: before.cause || value.cause, fix: before.fix || value.fix };
    const redraw = (answer, words) => draw(answer || null, words).catch((p) => say(p.message));
    page.replaceChildren(
      el("h1", { tabindex: -1 }, c.source), el("p", { class: "lead" }, `Case ${c.id}`, c.server ? ` · server ${c.server}` : "",
        c.tenant ? ` of ${c.tenant}` : "", c.network ? ` · network ${c.network}` : "", " · opened ", ago(c.opened_at)),
      el("div", { class: "chips" }, chip(c.state), chip(c.rung), chip(c.verdict), c.mode === "observe" ? chip("would", "the network only observes") : null,
        c.staff_only ? chip("for staff only") : null),
      el("div", { class: "cols" },
        el("div", {}, seen(c),
          card("Mail that was flagged", c.samples.length ? c.samples.map(message) : el("p", { class: "empty" }, "No message was kept.")),
          story(c, who, redraw)),
        el("div", {}, unblockCard(c, who, etag, redraw, shown), doctorCard(c.doctor_reports),
          card("Facts", facts([["Reason", safe(c.reason || "")], ["Blocked", c.blocked_at && time(c.blocked_at)],
            ["Blocked before", c.blocked_before ? `${c.blocked_before} times` : null], ["Probation until", c.probation_until && time(c.probation_until)],
            ["Cause", value.cause && safe(value.cause)], ["Fix", value.fix && safe(value.fix)], ["Assigned to", c.assignee && safe(c.assignee)],
            ["Closed", c.closed_at && time(c.closed_at)]]), el("p", {}), actions(c, who, etag, redraw)),
          c.notices.length ? card("Notices", table([
            { title: "To", show: (n) => safe(n.contact || "") }, { title: "What", show: (n) => n.kind }, { title: "State", show: (n) => chip(n.state, n.error) },
          ], c.notices, ["None", ""])) : null)));
    if (shown) page.querySelector("#answer")?.scrollIntoView({ block: "nearest" });
  }
  await draw();
  return { node: page, title: `Case ${id}`, refresh: () => draw().catch(() => {}), live: !hasLink() };
}
