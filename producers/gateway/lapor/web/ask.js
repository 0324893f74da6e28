"use strict";
// The views that ask: who the phone is, which station, which kind, and what was seen.

const TOKEN = /^([A-Za-z0-9._:@-]{1,80})\.[A-Za-z0-9_-]{20,}$/;

// A token, also out of a link that was pasted whole.
function tokenOf(typed) {
  const told = typed.trim().split("#").pop();
  return TOKEN.test(told) ? told : null;
}

function setupView() {
  const link = here.link;
  const known = here.token && TOKEN.exec(here.token)[1];
  const typed = make("textarea", { rows: 2, autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: link || "" });
  const token = field(t("token"), typed, { note: t("setup_note"), trouble: (text) => (tokenOf(text) ? "" : t("token_wrong")) });
  const who = make("input", { autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: here.me ? here.me.id : link ? TOKEN.exec(link)[1] : "" });
  const person = field(t("reporter"), who, {
    note: t("reporter_note"), trouble: (text) => (new RegExp(here.form.token).test(text) ? "" : t("reporter_wrong")),
  });
  const role = make("select", {}, here.form.roles.map((one) => make("option", { value: one, selected: here.me && here.me.role === one }, named("r", one))));
  const save = async (event) => {
    event.preventDefault();
    const told = answers({ token, person });
    await outbox.set("me", { id: told.person, role: role.value });
    await outbox.set("token", tokenOf(told.token));
    await outbox.set("device", null);
    await outbox.set("not_before", 0);
    here.link = null;
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
    await refresh();
    back("home");
    meet();
  };
  // A link of somebody else must not put another device in this one's place by itself.
  const other = link && known && link !== here.token;
  const note = other ? make("p", { class: "wrong" }, t("replace", { old: known, new: TOKEN.exec(link)[1] })) : null;
  return [
    make("h1", {}, t("setup")), note,
    make("form", { novalidate: true, onsubmit: guarded(save) }, token.element, person.element, field(t("role"), role).element,
      make("button", { class: "main" }, t(other ? "b_replace" : "b_save"))),
    known ? backButton() : null,
  ];
}

function stationView() {
  const station = stationField(here.station);
  const near = (here.device && here.device.near) || [];
  const choose = async (number) => {
    await outbox.set("station", number);
    await refresh();
    back("home");
  };
  const save = async (event) => { event.preventDefault(); await choose(station.read() || ""); };
  const some = near.length <= 20 ? near : [];
  return [
    make("h1", {}, t("which_station")),
    make("div", { class: "list" }, some.map((one) => make("button", { type: "button", onclick: () => choose(one.id) }, `${one.name} — ${one.id}`))),
    make("form", { novalidate: true, onsubmit: guarded(save) }, station.element, make("button", { class: "main" }, t("b_save"))),
    here.station ? backButton() : null,
  ];
}

function kindsView(code) {
  const family = here.form.families.find((one) => one.code === code);
  if (!family) return homeView();
  const name = (kind) => kind[here.language].charAt(0).toUpperCase() + kind[here.language].slice(1);
  return [
    make("h1", {}, named("f", code)),
    make("div", { class: "list" }, family.kinds.map((kind) => make("button", { type: "button", onclick: () => go("report", { kind: kind.code }) }, name(kind)))),
    backButton(),
  ];
}

// A report. `mends`: a refused one that is put right. `corrects`: one that was accepted and is told anew.
function reportView({ kind, mends, corrects }) {
  const earlier = here.items.find((item) => item.n === (mends || corrects));
  const was = earlier ? earlier.body : { facts: {}, text: "" };
  const { family, name } = kindOf(kind);
  const asked = family ? family.facts : Object.keys(here.form.facts);
  const facts = {};
  for (const fact of [...asked, ...Object.keys(here.form.facts)]) facts[fact] = facts[fact] || question(fact, here.form.facts[fact], was.facts[fact]);
  const first = asked.map((fact) => facts[fact].element);
  const rest = Object.keys(facts).filter((fact) => !asked.includes(fact)).map((fact) => facts[fact].element);

  const station = stationField(was.station_id || here.station);
  const text = field(t("text"), make("textarea", { maxlength: here.form.text, rows: 3, value: was.text || "" }), { note: t("text_note") });
  const whenever = (minutes) => (minutes === 0 ? t("ago_now") : minutes < 60 ? t("ago_minutes", { n: minutes }) : t("ago_hours", { n: minutes / 60 }));
  const ago = make("select", {}, earlier ? make("option", { value: "" }, timeOf(was.occurred_at)) : null,
    here.form.ago.map((minutes) => make("option", { value: minutes }, whenever(minutes))));
  const drill = make("input", { type: "checkbox", checked: Boolean(was.drill) });
  const place = placeQuestion(was.location);

  // A kind that is not known any more is chosen anew.
  const kinds = !earlier ? null : make("select", {}, here.form.families.map((one) => make("optgroup", { label: named("f", one.code) },
    one.kinds.map((other) => make("option", { value: other.code, selected: other.code === kind }, kindOf(other.code).name)))));

  const send = async (event) => {
    event.preventDefault();
    const number = station.read();
    const seen = answers(facts);
    const at = ago.value === "" ? was.occurred_at : new Date(Date.now() - Number(ago.value) * 60000).toISOString();
    const body = {
      schema_version: here.form.schema_version, report_id: outbox.newId(), kind: kinds ? kinds.value : kind, station_id: number,
      occurred_at: at, reporter: here.me, facts: seen, text: text.read() || "", channel: "web",
      ...(place.read() ? { location: place.read() } : {}), ...(drill.checked ? { drill: true } : {}),
    };
    if (mends) {
      const kept = was.corrects ? { corrects: was.corrects } : {};
      await outbox.mend(earlier, { ...body, ...kept, report_id: was.report_id });
    } else {
      await outbox.press("/v1/reports", { ...body, ...(corrects ? { corrects: was.report_id } : {}) });
    }
    // A number that was put right is right for what comes next as well.
    if (!earlier || here.station === was.station_id) await outbox.set("station", number);
    left = null;
    await refresh();
    back("home");
    say(t("kept"));
    flush();
  };
  return [
    make("h1", {}, name), corrects ? make("p", { class: "note" }, t("corrects")) : null,
    make("form", { novalidate: true, onsubmit: guarded(send) },
      kinds ? field(t("kinds"), kinds).element : null,
      station.element, make("p", { class: "note" }, t("facts_note")), first,
      text.element, place.element,
      make("details", {}, make("summary", {}, t("more")), field(t("ago"), ago).element, rest,
        make("label", { class: "tick" }, drill, t("drill"))),
      make("div", { class: "send" }, make("button", { class: "main" }, t("b_send")))),
    backButton(),
  ];
}

// Where the phone is, once somebody asks for it.
function placeQuestion(before) {
  let found = before || null;
  const said = make("p", { class: "note", role: "status" });
  const button = make("button", { type: "button", class: "small" });
  const draw = (text) => {
    said.textContent = text !== undefined ? text : found ? t("location_has", { n: Math.ceil(found.accuracy_m || 0) }) : "";
    button.textContent = t(found ? "b_no_location" : "b_location");
  };
  const took = ({ coords }) => {
    found = { lat: coords.latitude, lon: coords.longitude, accuracy_m: Math.min(coords.accuracy, 1000000) };
    draw();
  };
  button.addEventListener("click", () => {
    if (found) { found = null; draw(); return; }
    if (!navigator.geolocation) { draw(t("location_none")); return; }
    draw(t("location_waits"));
    navigator.geolocation.getCurrentPosition(took, () => draw(t("location_none")), { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 });
  });
  draw();
  return { element: make("div", { class: "field" }, button, said), read: () => found };
}
