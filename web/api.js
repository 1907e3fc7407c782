// SPDX-License-Identifier: Apache-2.0
// The public API, with the panel's cookie or the link of a notice.

export class Problem extends Error {
  constructor(status, body) {
    super((body && body.detail) || `The server answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

let csrf = null;
let link = null;

export function useLink(text) { link = text; }
export function hasLink() { return link !== null; }

async function ask(method, path, body, headers = {}) {
  if (link) headers.Authorization = "Link " + link;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf && method !== "GET") headers["X-CSRF-Token"] = csrf;
  let answer;
  try {
    answer = await fetch("/api/v1" + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new Problem(0, { detail: "postern does not answer. Is posternd running?" });
  }
  const value = await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(answer.status, value);
  return { value, etag: answer.headers.get("ETag") };
}

export async function get(path) { return (await ask("GET", path)).value; }
export function getWithTag(path) { return ask("GET", path); }

export async function post(path, body, etag) {
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  if (etag) headers["If-Match"] = etag;
  return (await ask("POST", path, body, headers)).value;
}

export async function remove(path) { return (await ask("DELETE", path)).value; }

export async function session() {
  const who = await get("/session");
  csrf = who.csrf;
  return who;
}

export async function login(token) {
  link = null;
  const who = (await ask("POST", "/login", { token })).value;
  csrf = who.csrf;
  return who;
}

export async function logout() {
  await post("/logout", {});
  csrf = null;
}
