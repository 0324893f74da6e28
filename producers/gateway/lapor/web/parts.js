"use strict";
// What the views are made of: elements, words and questions. No text ever becomes HTML.

// What the page knows while it is open: the form of the gateway, and what the phone keeps of itself.
const here = { form: null, language: "id", token: null, me: null, device: null, station: "", trouble: null, ahead: 0, items: [], link: null };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// -- words ------------------------------------------------------------------------------------------------------

function t(key, values = {}) {
  const text = here.form.words[here.language][key];
  return (text === undefined ? key : text).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// A word for a code; where there is none, as in another election's families, the code itself.
function named(prefix, code) {
  const words = here.form.words[here.language];
  const text = words[`${prefix}_${code}`] || String(code).replace(/_/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function kindOf(code) {
  for (const family of here.form.families) {
    const kind = family.kinds.find((one) => one.code === code);
    if (kind) return { family, name: kind[here.language].charAt(0).toUpperCase() + kind[here.language].slice(1) };
  }
  return { family: null, name: code };
}

function timeOf(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const options = { hour: "2-digit", minute: "2-digit", ...(today ? {} : { day: "2-digit", month: "short" }) };
  return new Intl.DateTimeFormat(here.language === "id" ? "id-ID" : "en-GB", options).format(date);
}

let saidUntil = 0;
function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(saidUntil);
  saidUntil = setTimeout(() => { place.textContent = ""; }, 5000);
}

// -- stations ---------------------------------------------------------------------------------------------------

// 3326082001003 as it is written: 33.26.08.2001-003.
function written(typed) {
  const digits = typed.replace(/\D/g, "").slice(0, 13);
  const village = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4, 6), digits.slice(6, 10)].filter(Boolean).join(".");
  return digits.length > 10 ? `${village}-${digits.slice(10)}` : village;
}

const areas = () => [...here.device.areas, ...here.device.stations].join(", ");

// What is wrong with a station's number, or nothing.
function stationTrouble(number) {
  if (!new RegExp(here.form.station).test(number)) return t("station_wrong");
  const may = here.device;
  if (!may || may.stations.includes(number) || may.areas.some((area) => number.startsWith(`${area}.`))) return "";
  return t("station_outside", { areas: areas() });
}

function stationName(number) {
  const found = here.device && here.device.near.find((one) => one.id === number);
  return found ? found.name : "";
}

// -- questions --------------------------------------------------------------------------------------------------
// Each is {element, read}: `read` gives the answer, undefined where there is none, or throws what is wrong with it.

class Wrong extends Error {}

function field(label, control, { note = "", trouble = () => "" } = {}) {
  const id = `f${field.count = (field.count || 0) + 1}`;
  const error = make("p", { class: "error", id: `${id}-e` });
  control.id = id;
  control.setAttribute("aria-describedby", `${id}-n ${id}-e`);
  const told = make("p", { class: "note", id: `${id}-n` }, note);
  const element = make("div", { class: "field" }, make("label", { for: id }, label), control, note ? told : null, error);
  if (!note) control.setAttribute("aria-describedby", `${id}-e`);
  const read = () => {
    const value = control.value.trim();
    error.textContent = trouble(value);
    control.removeAttribute("aria-invalid");
    if (error.textContent) {
      control.setAttribute("aria-invalid", "true");
      const around = control.closest("details");
      if (around) around.open = true;
      control.focus();
      throw new Wrong(error.textContent);
    }
    return value === "" ? undefined : value;
  };
  return { element, control, read };
}

function stationField(value) {
  const control = make("input", { inputmode: "numeric", autocomplete: "off", list: "near", placeholder: "33.26.08.2001-003", value });
  control.addEventListener("input", () => {
    // Only at the end: whoever mends a digit in the middle is left alone.
    if (control.selectionStart === control.value.length) control.value = written(control.value);
  });
  const near = (here.device && here.device.near) || [];
  const told = field(t("station"), control, { note: t("station_note"), trouble: stationTrouble });
  told.element.append(make("datalist", { id: "near" }, near.map((one) => make("option", { value: one.id }, one.name))));
  return told;
}

function countField(name, most, value) {
  const control = make("input", { inputmode: "numeric", autocomplete: "off", value: value === undefined || value === null ? "" : value });
  const trouble = (text) => (/^\d*$/.test(text) && Number(text) <= most ? "" : t("count_wrong", { n: most }));
  const { element, read } = field(named("t", name), control, { trouble });
  return { element, read: () => { const text = read(); return text === undefined ? undefined : Number(text); } };
}

function codeField(name, pattern, value) {
  const control = make("input", { autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: value || "" });
  const trouble = (text) => (text === "" || new RegExp(pattern).test(text) ? "" : t("unit_wrong"));
  return field(named("t", name), control, { trouble });
}

// One of several; the first says that nobody knows.
function chipsField(name, options, value) {
  const chips = [[undefined, t("unknown")], ...options].map(([answer, text]) => {
    const input = make("input", { type: "radio", name: `q-${name}`, checked: answer === value });
    return { answer, input, element: make("label", {}, input, make("span", {}, text)) };
  });
  const element = make("fieldset", {}, make("legend", {}, named("t", name)), make("div", { class: "chips" }, chips.map((chip) => chip.element)));
  return { element, read: () => chips.find((chip) => chip.input.checked).answer };
}

function question(name, asked, value) {
  switch (asked.type) {
    case "integer": return countField(name, asked.maximum, value);
    case "boolean": return chipsField(name, [[true, t("yes")], [false, t("no")]], value);
    case "choice": return chipsField(name, asked.values.map((one) => [one, named("v", one).toLowerCase()]), value);
    default: return codeField(name, asked.pattern, value);
  }
}

// The answers of several questions, by their names; what nobody knows is left out.
function answers(questions) {
  const told = {};
  for (const [name, asked] of Object.entries(questions)) {
    const value = asked.read();
    if (value !== undefined) told[name] = value;
  }
  return told;
}

// A button that asks once more before it does what cannot be undone.
function sureButton(key, action, note = () => "") {
  const place = make("div", { class: "row" });
  const first = make("button", { type: "button", class: "small danger", onclick: () => {
    const yes = make("button", { type: "button", class: "small danger", onclick: action }, t(`${key}_sure`));
    const no = make("button", { type: "button", class: "small", onclick: () => { place.replaceChildren(first); first.focus(); } }, t("b_keep"));
    place.replaceChildren(...(note() ? [make("p", { class: "wrong" }, note())] : []), yes, no);
    yes.focus();
  } }, t(key));
  place.append(first);
  return place;
}
