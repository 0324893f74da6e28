// Words, times and small shared things of the live page.
import { state } from "./feed.js";

let table = {};
let kinds = {};
export let me = {};

let figures = new Intl.NumberFormat("id-ID");
let plural = new Intl.PluralRules("id-ID");

export function setup(words, names, user, language) {
  figures = new Intl.NumberFormat(language);
  plural = new Intl.PluralRules(language);
  table = words;
  kinds = names;
  me = user;
}

// Where a language has another word for one of something, it stands under the key and "_one"; what is counted is m
// ("1 of 3 reports"), or n where there is none.
export function t(key, values = {}) {
  const one = table[`${key}_one`] && plural.select(Number(values.m ?? values.n)) === "one";
  const text = table[one ? `${key}_one` : key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function kindName(code) {
  const name = kinds[code] ?? code;
  return name.charAt(0).toUpperCase() + name.slice(1);
}
export const named = (prefix, code) => table[`${prefix}_${code}`] ?? String(code).replaceAll("_", " ");
export const serverNow = () => state.now + state.offset;

// 45 s, 12 min, 3 h 05
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} ${t("span_s")}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${t("span_m")}`;
  if (s < 172800) return `${Math.floor(s / 3600)} ${t("span_h")} ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}`;
  return `${Math.floor(s / 86400)} ${t("span_d")}`;
}

// How long one bar of a chart is: 5 min, 1 h
export function stepOf(seconds) {
  const [unit, word] = [[86400, "span_d"], [3600, "span_h"], [60, "span_m"]].find(([size]) => seconds >= size);
  return `${Math.round(seconds / unit)} ${t(word)}`;
}

// 1:59, for a countdown
export function clock(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s >= 3600) return span(s);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

const time = new Intl.DateTimeFormat("id-ID", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "Asia/Jakarta",
});
const day = new Intl.DateTimeFormat("id-ID", { day: "2-digit", month: "short", timeZone: "Asia/Jakarta" });
export const timeOf = (at) => time.format(typeof at === "number" ? at * 1000 : new Date(at)).replaceAll(".", ":");
export const dayOf = (at) => day.format(new Date(at * 1000));
export function momentOf(at) {
  const date = typeof at === "number" ? new Date(at * 1000) : new Date(at);
  const today = day.format(date) === day.format(new Date());
  return today ? timeOf(at) : `${day.format(date)} ${timeOf(at)}`;
}

export function placeOf(card) {
  // Where a station is named after its village, the village is not said twice.
  const village = card.place?.includes(card.village) ? null : card.village;
  return [card.place, village, card.district_name].filter(Boolean).join(" · ");
}

export const number = (value) => figures.format(value);
