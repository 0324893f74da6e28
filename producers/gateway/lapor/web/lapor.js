"use strict";
// The reporting page: opens it, goes from view to view, shows what was pressed and has it sent.

const VIEWS = { setup: setupView, station: stationView, home: homeView, kinds: kindsView, report: reportView, device: deviceView };
const LONGEST_PAUSE = 300000, FIRST_PAUSE = 5000; // milliseconds between two tries

// -- from view to view ------------------------------------------------------------------------------------------

const backButton = () => make("button", { type: "button", class: "small", onclick: () => history.back() }, `‹ ${t("b_back")}`);

// `view` with what it shows; the phone's own "back" goes where one came from.
function go(view, argument = null) {
  history.pushState({ view, argument, depth: depth() + 1, at: Date.now() }, "", "/lapor");
  draw(true);
}
function replace(view, argument = null) {
  history.replaceState({ view, argument, depth: depth() }, "", "/lapor");
  draw(true);
}
// Back to the first view, leaving nothing behind that could be sent again by going forward.
function back(view) {
  if (depth() > 0) { history.go(-depth()); return; }
  replace(view);
}
const depth = () => (history.state && history.state.depth) || 0;
window.addEventListener("popstate", () => draw(true));

function viewNow() {
  const told = history.state || {};
  if (!window.isSecureContext) return [() => [make("p", { class: "wrong" }, t("insecure"))], null];
  if (!here.token || told.view === "setup") return [setupView, null];
  if (!here.station) return [stationView, null];
  return [VIEWS[told.view] || homeView, told.argument];
}

// Show the view anew; or, where nobody moved, only what says how things stand: what is half written stays, and nothing is
// exchanged under a thumb.
function draw(moved = false) {
  const [view, argument] = viewNow();
  const main = document.getElementById("view");
  if (moved) {
    head(view);
    main.replaceChildren(...(view === reportView ? draft(argument) : view(argument)).flat().filter(Boolean));
  }
  if (view === homeView) tellHome();
  if (!moved) return;
  const title = main.querySelector("h1") || main;
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

// The form of a report as it was left, where somebody goes back to it; opened anew it is empty.
let left = null;
function draft(argument) {
  const mark = history.state.at;
  if (!left || left.mark !== mark) left = { mark, elements: reportView(argument) };
  return left.elements;
}

// A handler that stops at what is filled in wrongly, which the field itself says, and runs once for two taps.
function guarded(action) {
  let busy = false;
  return async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    try {
      await action(event);
    } catch (error) {
      if (!(error instanceof Wrong)) { say(t("unkept")); throw error; }
    } finally {
      busy = false;
    }
  };
}

// -- views ------------------------------------------------------------------------------------------------------

function head(view) {
  document.documentElement.lang = here.language;
  document.title = `${t("title")} · Siaga`;
  const other = here.language === "id" ? "en" : "id";
  const turn = async () => { await outbox.set("language", other); await refresh(); draw(true); };
  document.getElementById("head").replaceChildren(
    make("img", { src: "/lapor/mark.svg", alt: "", width: 30, height: 30 }), make("span", { class: "grow" }, t("title")),
    // Another language makes a form anew, and what is in it would be gone.
    view === reportView ? "" : make("button", { class: "small", lang: other, onclick: turn }, t("language")),
    here.token && here.station ? make("button", { class: "small", onclick: () => go("device") }, t("b_device")) : "",
  );
}

function homeView() {
  const numbers = {};
  for (const [name, asked] of Object.entries(here.form.numbers)) numbers[name] = question(name, asked);
  const checkIn = (phase) => async () => {
    const body = {
      schema_version: here.form.schema_version, report_id: outbox.newId(), station_id: here.station, phase,
      occurred_at: new Date().toISOString(), reporter: here.me, channel: "web", ...answers(numbers),
    };
    await outbox.press("/v1/checkins", body);
    await refresh();
    draw(true);
    say(`${named("h", phase)}. ${t("kept")}`);
    flush();
  };
  return [
    make("h1", {}, t("what")),
    make("div", { class: "where" }, make("span", {}, `${t("station")} `, make("b", {}, here.station), " ", make("span", { id: "name" })),
      make("button", { class: "small", onclick: () => go("station") }, t("change"))),
    make("div", { id: "notices" }), make("p", { id: "queue" }),
    make("button", { id: "again", class: "small", onclick: () => flush() }, t("b_again")),
    make("div", { class: "grid" }, here.form.families.map((family) => make("button", { onclick: () => go("kinds", family.code) }, named("f", family.code)))),
    make("h2", {}, t("situation")), make("p", { class: "note" }, t("situation_note")),
    make("div", { class: "grid" }, here.form.phases.map((phase) => make("button", { onclick: guarded(checkIn(phase)) }, named("h", phase)))),
    make("details", {}, make("summary", {}, t("numbers")), Object.values(numbers).map((one) => one.element)),
    make("h2", {}, t("sent")), make("p", { id: "nothing", class: "note" }, t("sent_none")), make("ol", { id: "items", class: "items" }),
  ];
}

// Why something waits, in words.
function waitingFor() {
  const why = { busy: "s_busy", unknown: "s_unknown", signal: "s_waiting" }[here.trouble];
  return t(why || (navigator.onLine ? "s_sending" : "s_waiting"));
}

// How things stand, on the first view.
function tellHome() {
  const at = (id) => document.getElementById(id);
  const waiting = here.items.filter((item) => item.state === outbox.WAITING).length;
  const text = waiting ? `${t("queue_waiting", { n: waiting })}: ${waitingFor()}` : t("queue_none");
  if (at("queue").textContent !== text) at("queue").textContent = text;
  at("queue").className = waiting ? "strip waits" : "strip";
  at("again").hidden = !waiting;
  at("nothing").hidden = here.items.length > 0;
  at("name").textContent = stationName(here.station);
  const minutes = Math.round(here.ahead / 60000);
  const notices = [
    here.device ? stationTrouble(here.station) : "",
    here.trouble === "unknown" ? t("device_unknown") : "",
    Math.abs(minutes) >= 3 ? t(minutes > 0 ? "clock_fast" : "clock_slow", { n: Math.abs(minutes) }) : "",
  ];
  at("notices").replaceChildren(...notices.filter(Boolean).map((notice) => make("p", { class: "wrong" }, notice)));
  tellItems(at("items"));
}

// The rows of what was pressed, the last first. A row that says the same as before is left as it is.
function tellItems(list) {
  const there = new Map(Array.from(list.children, (row) => [row.mark, row]));
  const rows = here.items.slice().reverse().map((item) => {
    const why = item.state === outbox.WAITING && waitingFor();
    const mark = JSON.stringify([item.n, item.state, item.said, item.body, why, isTakenBack(item)]);
    const row = there.get(mark) || itemRow(item);
    row.mark = mark;
    return row;
  });
  const focused = list.contains(document.activeElement);
  Array.from(list.children).filter((row) => !rows.includes(row)).forEach((row) => row.remove());
  rows.forEach((row, place) => { if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null); });
  if (focused && !list.contains(document.activeElement)) document.querySelector("h1").focus({ preventScroll: true });
}

const isTakenBack = ({ body }) => here.items.some((other) => other.body.withdraws && other.body.corrects === body.report_id);

function itemRow(item) {
  const { body, state } = item;
  const what = body.withdraws ? t("withdraws") : body.kind ? kindOf(body.kind).name : named("h", body.phase);
  const reports = Boolean(body.kind);
  const said = state !== outbox.REFUSED ? null : [
    make("p", {}, here.form.words[here.language][`p_${item.said.code.replace(/-/g, "_")}`] || t("p_other")),
    make("ul", {}, item.said.errors.map((error) => make("li", {}, `${fieldName(error.field)}: `, make("span", { lang: "en" }, `${error.message}; ${error.remedy}`)))),
    make("div", { class: "row" },
      reports && !body.withdraws ? make("button", { class: "small", onclick: () => go("report", { kind: body.kind, mends: item.n }) }, t("b_fix")) : null,
      sureButton("b_drop", async () => { await outbox.drop(item); })),
  ];
  const kept = reports && !body.withdraws && !isTakenBack(item) && (state === "accepted" || state === "spooled");
  const withdraw = async () => {
    await outbox.press("/v1/reports", { ...body, report_id: outbox.newId(), corrects: body.report_id, withdraws: true });
    say(t("kept"));
    flush();
  };
  const after = !kept ? null : make("details", {}, make("summary", {}, t("b_correct")), make("div", { class: "row" },
    make("button", { class: "small", onclick: () => go("report", { kind: body.kind, corrects: item.n }) }, t("b_correct")),
    sureButton("b_withdraw", withdraw)));
  return make("li", { class: state },
    make("div", {}, body.drill ? `[${t("drill_mark")}] ` : "", make("b", {}, what), ` · ${body.station_id} · ${timeOf(item.pressed)}`),
    make("div", { class: "state" }, state === outbox.WAITING ? waitingFor() : t(`s_${state}`)), said, after);
}

function fieldName(path) {
  const [first, second] = path.split(".");
  if (first === "facts" && second) return named("t", second);
  return here.form.words[here.language][`n_${first}`] || path;
}

function deviceView() {
  const waiting = here.items.filter((item) => item.state === outbox.WAITING).length;
  const forget = async () => {
    await outbox.forget();
    left = null;
    await refresh();
    back("home");
  };
  const known = here.device ? t("device_areas", { areas: areas() }) : t(here.trouble === "unknown" ? "device_unknown" : "device_unchecked");
  return [
    make("h1", {}, t("device_is", { id: TOKEN.exec(here.token)[1] })), make("p", {}, known),
    make("p", {}, `${t("reporter")}: ${here.me.id} (${named("r", here.me.role)})`),
    make("div", { class: "list" }, make("button", { onclick: () => go("setup") }, t("setup"))),
    make("h2", {}, t("b_forget")), make("p", { class: "note" }, t("forget_note")),
    sureButton("b_forget", forget, () => (waiting ? t("forget_waiting", { n: waiting }) : "")),
    make("p", {}, backButton()),
  ];
}

// -- sending ----------------------------------------------------------------------------------------------------

let failures = 0, timer = 0, under = null, wanted = false;

// Send what waits, now; and again later where that did not do, ever more seldom and never all phones at once.
function flush() {
  if (under) { wanted = true; return under; }
  clearTimeout(timer);
  under = outbox.flush().then(({ trouble, wait }) => {
    failures = trouble ? failures + 1 : 0;
    if (!trouble || trouble === "unknown") return;
    const pause = wait || Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1));
    timer = setTimeout(flush, pause * (1 + Math.random() / 2));
    sendWithoutPage();
  }).finally(() => {
    under = null;
    if (wanted) { wanted = false; flush(); }
  });
  return under;
}

// Where the browser can, the worker sends when there is a signal again, also when this page is closed.
async function sendWithoutPage() {
  try {
    const worker = await navigator.serviceWorker.ready;
    if (worker.sync) await worker.sync.register("siaga-lapor");
  } catch { /* then it is sent when the page is open */ }
}

// Ask the gateway who we are: which areas and stations, and whether the token is good at all.
async function meet() {
  const token = here.token;
  if (!token) return;
  const answer = await outbox.ask("/lapor/device", token);
  if (answer && answer.status === 200 && answer.told && answer.told.device_id) await outbox.set("device", answer.told);
  if (answer && answer.status === 401) await outbox.set("trouble", "unknown");
  else if (answer && here.trouble === "unknown") await outbox.set("trouble", null);
  await refresh();
  const typing = document.activeElement && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  draw(!typing && viewNow()[0] === stationView);
  if (answer && answer.status === 200) flush();
}

// -- opening ----------------------------------------------------------------------------------------------------

async function refresh() {
  const names = ["language", "token", "me", "device", "station", "trouble", "ahead"];
  const values = await Promise.all(names.map((name) => outbox.get(name)));
  names.forEach((name, place) => { here[name] = values[place] || { language: "id", station: "", ahead: 0 }[name] || null; });
  here.items = await outbox.items();
}

async function loadForm() {
  here.form = await (await fetch("/lapor/form.json")).json();
}

// The token of a link leaves the address at once: it is in no picture of the screen and in no address that is shared.
function takeLink() {
  const told = location.hash.slice(1);
  if (told) history.replaceState(history.state, "", "/lapor");
  here.link = tokenOf(told);
}

// What a link brings is only taken when somebody presses the button.
function offerLink() {
  if (here.link && here.link !== here.token) history.replaceState({ view: "setup", depth: depth() }, "", "/lapor");
}

async function keepWorker() {
  if (!("serviceWorker" in navigator)) return;
  const policy = window.trustedTypes && window.trustedTypes.createPolicy("siaga-lapor", { createScriptURL: () => "/lapor/worker.js" });
  const address = policy ? policy.createScriptURL("") : "/lapor/worker.js";
  navigator.serviceWorker.addEventListener("message", async (event) => {
    if (event.data === "form") { await loadForm(); draw(viewNow()[0] === homeView && document.activeElement.tagName === "H1"); }
  });
  await navigator.serviceWorker.register(address, { scope: "/lapor" });
}

// There is neither a signal nor what an earlier visit kept: say so, and look again.
async function unopened() {
  document.getElementById("opening").hidden = true;
  document.getElementById("unopened").hidden = false;
  await new Promise((wake) => { setTimeout(wake, FIRST_PAUSE); window.addEventListener("online", wake, { once: true }); });
}

async function begin() {
  takeLink();
  while (!here.form) await loadForm().catch(unopened);
  try {
    await refresh();
  } catch {
    document.getElementById("view").replaceChildren(make("p", { class: "wrong" }, t("unkept")));
    return;
  }
  offerLink();
  outbox.listeners.push(async () => { await refresh(); draw(); });
  window.addEventListener("hashchange", () => { takeLink(); offerLink(); draw(true); });
  window.addEventListener("online", () => { failures = 0; flush(); meet(); });
  window.addEventListener("offline", () => draw());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(); });
  draw(true);
  if (!window.isSecureContext) return;
  keepWorker().catch(() => {});
  meet();
  flush();
}

begin();
