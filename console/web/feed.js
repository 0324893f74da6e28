// What is going on, in the browser: the board once, then every change as the server tells it.
// A lost connection comes back by itself with the last id, so that nothing in between is missed.

// What the queue shows at first, asked for by the page itself before any script runs; then the rest.
const FIRST = 100;
const REST = 2000;
// Incidents move up when one before them leaves, between one page and the next.
const OVERLAP = 50;
// Seconds without a word from the server, from its database or from the pipeline, after which data is stale.
const SILENCE = 4;
const DATABASE = 6;
export const PIPELINE = 20;

export const state = Vue.reactive({
  ready: false,
  complete: false,
  now: Date.now() / 1000,
  heard: Date.now() / 1000,
  offset: 0, // server's clock minus ours, seconds
  pulse: null,
  // The cards are plain objects in a plain map: ten thousand of them are too many to be watched one by one.
  // Whoever shows them reads `revision`, which rises with every change.
  cards: Vue.markRaw(new Map()),
  revision: 0,
  pending: new Map(), // incident_id -> {action, version, until}
  fresh: new Map(), // incident_id -> when it was announced
  unread: 0,
});

let me = null;
let source = null;
const listeners = { announced: [], changed: [] };

export function on(name, call) {
  listeners[name].push(call);
  return () => listeners[name].splice(listeners[name].indexOf(call), 1);
}

export function start(user) {
  me = user;
  load();
  setInterval(() => {
    state.now = Date.now() / 1000;
    for (const [id, at] of state.fresh) if (state.now - at > 20) state.fresh.delete(id);
    // A browser that was asleep, or a proxy that says nothing: begin anew.
    if (source && state.now - state.heard > 12) listen();
  }, 1000);
  document.addEventListener("visibilitychange", () => document.hidden || (state.unread = 0));
  window.addEventListener("focus", () => (state.unread = 0));
}

// Resolves when the browser has nothing more urgent to do, and in a hidden page soon too.
export const idle = () =>
  new Promise((go) => (window.requestIdleCallback ? requestIdleCallback(go, { timeout: 400 }) : setTimeout(go, 40)));

let isShown = null;
// Resolves when the first incidents are on the screen.
export const shown = new Promise((go) => (isShown = go));

export async function call(path, options = {}) {
  const headers = { ...(options.body ? { "Content-Type": "application/json" } : {}) };
  // What only reads goes without: what the browser has fetched ahead is taken for the same as long as its headers are.
  if (options.method) headers["X-CSRF-Token"] = me.csrf;
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) window.location.assign("/login");
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.detail || answer.statusText), { status: answer.status });
  return body;
}

async function load() {
  try {
    const page = await call(`/api/board?limit=${FIRST}`);
    const seq = page.seq;
    const found = new Map(page.incidents.map((card) => [card.incident_id, card]));
    state.cards = Vue.markRaw(found);
    state.revision += 1;
    take(page.pulse);
    state.ready = true;
    listen(seq);
    await Vue.nextTick();
    await idle();
    isShown();
    for (let offset = FIRST - OVERLAP; offset + OVERLAP < page.total; offset += REST - OVERLAP) {
      const more = await call(`/api/board?offset=${offset}&limit=${REST}`);
      await idle();
      for (const card of more.incidents) {
        const known = state.cards.get(card.incident_id);
        if (!known || known.version < card.version) state.cards.set(card.incident_id, card);
      }
      state.revision += 1;
    }
    state.complete = true;
  } catch (error) {
    setTimeout(load, 1500);
  }
}

let last = 0;
// What came since the last pulse. The server ends each batch of changes with one: the page is drawn once for all of it.
let waiting = [];
function listen(seq) {
  waiting = [];
  last = seq ?? last;
  source?.close();
  source = new EventSource(`/api/events?since=${last}`);
  const heard = (event) => {
    state.heard = Date.now() / 1000;
    if (event.lastEventId) last = Number(event.lastEventId);
    return JSON.parse(event.data);
  };
  source.addEventListener("incident", (event) => waiting.push(heard(event)));
  source.addEventListener("gone", (event) => waiting.push({ ...heard(event), gone: true }));
  source.addEventListener("pulse", (event) => {
    const pulse = heard(event);
    const batch = waiting;
    waiting = [];
    if (batch.length) apply(batch);
    take(pulse);
  });
  source.addEventListener("reset", () => load());
  source.addEventListener("signed-out", () => window.location.assign("/login"));
  source.onerror = () => {
    // A refusal ends an EventSource for good; what is only lost it asks for again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(), 1500);
  };
}

function take(pulse) {
  state.heard = Date.now() / 1000;
  state.offset = pulse.at - state.heard;
  state.pulse = pulse;
}

function apply(batch) {
  const news = [];
  for (const card of batch) {
    const id = card.incident_id;
    const known = state.cards.get(id);
    if (card.gone) {
      state.cards.delete(id);
      continue;
    }
    if (known && known.version > card.version && known.opened === card.opened) continue;
    state.cards.set(id, card);
    const mark = state.pending.get(id);
    if (mark && card.version > mark.version) state.pending.delete(id);
    if (card.state === "open" && (!known || card.severity < known.severity)) {
      state.fresh.set(id, Date.now() / 1000);
      news.push(card);
    }
  }
  state.revision += 1;
  if (news.length && (document.hidden || !document.hasFocus())) state.unread += news.length;
  // One voice for one batch: the gravest.
  const gravest = news.sort((a, b) => a.drill - b.drill || a.severity - b.severity)[0];
  if (gravest) listeners.announced.forEach((call) => call(gravest));
  for (const id of new Set(batch.map((card) => card.incident_id))) listeners.changed.forEach((call) => call(id));
}

// How old the data on the page is, or null: as old as when its database was last read, and older since.
export const age = Vue.computed(() => {
  if (!state.pulse || state.pulse.canary_age === null) return null;
  const unread = Math.max(0, state.pulse.at - state.pulse.read_at);
  const unheard = Math.max(0, state.now - state.heard);
  return state.pulse.canary_age + (unread > 1 ? unread : 0) + (unheard > 1 ? unheard : 0);
});

// Why what is shown is stale, or null: [word, seconds].
export const stale = Vue.computed(() => {
  const silent = state.now - state.heard;
  if (silent > SILENCE) return ["stale_server", Math.round(silent)];
  if (!state.pulse) return null;
  const unread = state.pulse.at - state.pulse.read_at;
  if (unread > DATABASE) return ["stale_database", Math.round(unread)];
  if (state.pulse.canary_age !== null && state.pulse.canary_age > PIPELINE)
    return ["stale_pipeline", Math.round(state.pulse.canary_age)];
  return null;
});

export const isOpen = (card) => card.state === "open" || card.state === "acknowledged";

// As the server sorts: open before closed, drills last, first what has to be taken, grave first, longest waiting first.
export function byUrgency(a, b) {
  return (
    !isOpen(a) - !isOpen(b) ||
    a.drill - b.drill ||
    (a.due === null) - (b.due === null) ||
    a.severity - b.severity ||
    a.opened - b.opened
  );
}

let turns = 0;
// Send a decision. The card shows it at once; it is undone where it is refused, and questioned where nothing follows.
export async function decide(card, decision, said) {
  const id = card.incident_id;
  const turn = (turns += 1);
  const mine = () => state.pending.get(id)?.turn === turn;
  state.pending.set(id, { action: decision.action, version: card.version, turn });
  try {
    await call(`/api/incidents/${id}/commands`, { method: "POST", body: JSON.stringify(decision) });
    setTimeout(() => {
      if (mine()) {
        state.pending.delete(id);
        said("not_seen", {});
      }
    }, 10000);
    return true;
  } catch (error) {
    if (mine()) state.pending.delete(id);
    said("refused", { why: error.message });
    return false;
  }
}
