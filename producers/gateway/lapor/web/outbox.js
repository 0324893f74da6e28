"use strict";
// Keeps what was pressed and sends it in order; the page and its worker share it. What is pressed is on the phone's disk
// before it is sent, with the report_id that it keeps through every repetition: twice on the way, it is one report.
const outbox = (() => {
  const WAITING = "waiting", REFUSED = "refused", PROBLEM = "urn:siaga:problem:";
  const PATIENCE = 25000; // milliseconds for an answer
  const LONGEST = 600000; // milliseconds that a gateway may put a phone off
  const KEPT = 48 * 3600000, MOST_KEPT = 50; // how long, and how many of, what was answered stays to be looked at
  const others = "BroadcastChannel" in self ? new BroadcastChannel("siaga-lapor") : null;
  const listeners = [];
  if (others) others.onmessage = () => listeners.forEach((heard) => heard());

  // -- what is kept ---------------------------------------------------------------------------------------------

  let opened = null;
  function open() {
    opened = opened || new Promise((resolve, reject) => {
      const asked = indexedDB.open("siaga-lapor", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("self");
        asked.result.createObjectStore("items", { keyPath: "n", autoIncrement: true });
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => { opened = null; reject(asked.error); };
    });
    return opened;
  }

  async function run(names, mode, work) {
    const base = await open();
    return new Promise((resolve, reject) => {
      // "strict": it is on the disk, not only promised to it, before anybody is told that it is kept.
      const transaction = base.transaction(names, mode, { durability: "strict" });
      const asked = work((name) => transaction.objectStore(name));
      transaction.oncomplete = () => resolve(asked && asked.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  const get = (name) => run("self", "readonly", (store) => store("self").get(name));
  const set = (name, value) => run("self", "readwrite", (store) => store("self").put(value, name));
  const items = () => run("items", "readonly", (store) => store("items").getAll());

  // Write an item again, unless it was deleted meanwhile.
  const update = (item) => run("items", "readwrite", (store) => {
    const asked = store("items").get(item.n);
    asked.onsuccess = () => { if (asked.result) store("items").put(item); };
  });

  function changed() {
    listeners.forEach((heard) => heard());
    if (others) others.postMessage("changed");
  }

  async function press(path, body) {
    const item = { path, body, state: WAITING, pressed: Date.now(), tries: 0, doubtful: false, said: null };
    await run("items", "readwrite", (store) => store("items").add(item));
    changed();
  }

  // A refused report with what was wrong put right. Where an earlier try was never answered, the gateway may have it as
  // it was: then this is a correction of that one, with an id of its own.
  async function mend(item, body) {
    const other = item.doubtful ? { report_id: newId(), corrects: item.body.report_id } : {};
    await update({ ...item, body: { ...body, ...other }, state: WAITING, said: null, doubtful: false });
    changed();
  }

  async function drop(item) {
    await run("items", "readwrite", (store) => store("items").delete(item.n));
    changed();
  }

  async function forget() {
    await run(["self", "items"], "readwrite", (store) => { store("self").clear(); store("items").clear(); });
    changed();
  }

  // UUID version 7 (RFC 9562): milliseconds first, the rest random.
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let at = Date.now();
    for (let place = 5; place >= 0; place -= 1) { bytes[place] = at % 256; at = Math.floor(at / 256); }
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  // -- sending --------------------------------------------------------------------------------------------------

  // An answer and what it holds, or null where none came. The address names nobody, and nothing follows a redirect: a
  // hotspot's sign-in page is no gateway.
  async function ask(path, token, body) {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), PATIENCE);
    const began = Date.now();
    try {
      const answer = await fetch(path, {
        method: body ? "POST" : "GET", cache: "no-store", credentials: "omit", redirect: "error", signal: ending.signal,
        headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}) },
        body: body && JSON.stringify(body),
      });
      const told = await answer.json().catch(() => null);
      const at = Date.parse(answer.headers.get("date") || "");
      if (told && at) await set("ahead", Math.round((began + Date.now()) / 2 - at - 500));
      return { status: answer.status, told, after: Number(answer.headers.get("retry-after")) || 0 };
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  // Send one. What stands in the way of the others, too, is said by `trouble`; `wait` in milliseconds.
  async function attempt(item, token) {
    const before = item.doubtful;
    // Until an answer says otherwise the gateway may have it, also if the phone dies now.
    Object.assign(item, { tries: item.tries + 1, doubtful: true });
    await update(item);
    const answer = await ask(item.path, token, { ...item.body, sent_at: new Date().toISOString() });
    const told = answer && answer.told;
    if (!told) return { trouble: "signal" };
    if (answer.status === 202 && told.report_id === item.body.report_id) {
      await update({ ...item, state: told.status, doubtful: false, answered: Date.now(), said: null });
      return {};
    }
    if (!String(told.type).startsWith(PROBLEM)) return { trouble: "signal" };
    if (answer.status >= 500 || answer.status === 408) {
      return { trouble: "busy", wait: answer.after * 1000, only: answer.status === 500 };
    }
    if (answer.status === 401 || answer.status === 429) {
      await update({ ...item, doubtful: before });
      return { trouble: answer.status === 401 ? "unknown" : "busy", wait: answer.after * 1000 };
    }
    const said = { code: told.type.slice(PROBLEM.length), errors: told.errors || [], detail: told.detail || "" };
    await update({ ...item, state: REFUSED, doubtful: before, answered: Date.now(), said });
    return {};
  }

  async function pass() {
    const left = (await get("not_before") || 0) - Date.now();
    if (left > 0 && left <= LONGEST) return { trouble: "busy", wait: left };
    const passed = new Set();
    let found = {};
    for (;;) {
      const [token, all] = [await get("token"), await items()];
      const item = all.find((one) => one.state === WAITING && !passed.has(one.n));
      if (!token || !item) break;
      const said = await attempt(item, token);
      changed();
      passed.add(item.n);
      if (said.trouble) found = said;
      if (said.wait) await set("not_before", Date.now() + Math.min(said.wait, LONGEST));
      // One that fails by itself holds up no other.
      if (said.trouble && !said.only) break;
    }
    return found;
  }

  // Send what waits; what came of it is `trouble` ("signal", "busy", "unknown" or nothing) and, in milliseconds, `wait`.
  // One at a time on this phone, however many pages and workers there are.
  async function flush() {
    const found = navigator.locks ? await navigator.locks.request("siaga-lapor", pass) : await pass();
    await set("trouble", found.trouble || null);
    await tidy();
    changed();
    return found;
  }

  async function tidy() {
    const answered = (await items()).filter((item) => item.state !== WAITING && item.state !== REFUSED);
    const old = answered.filter((item, place) => item.answered < Date.now() - KEPT || place < answered.length - MOST_KEPT);
    if (old.length) await run("items", "readwrite", (store) => { old.forEach((item) => store("items").delete(item.n)); });
  }

  return { WAITING, REFUSED, listeners, get, set, items, press, mend, drop, forget, newId, ask, flush };
})();
