"use strict";
// Opens the page without a signal, and sends what waits when the signal is back while no page is open (where the browser
// can: Background Sync).
importScripts("/lapor/outbox.js");

const CACHE = "siaga-lapor-{{version}}";
const FILES = JSON.parse('{{files}}');
const FORM = "/lapor/form.json";

self.addEventListener("install", (event) => {
  const fresh = FILES.map((path) => new Request(path, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const clear = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clear());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin || !FILES.includes(url.pathname)) return;
  const kept = caches.open(CACHE).then((cache) => cache.match(url.pathname));
  event.respondWith(kept.then((answer) => answer || fetch(event.request)));
  if (url.pathname === FORM) event.waitUntil(kept.then(renewForm).catch(() => {}));
});

// The kinds may have been changed since: the page is told when they were.
async function renewForm(kept) {
  const answer = await fetch(FORM, { cache: "no-cache" });
  const told = answer.headers.get("etag");
  if (!answer.ok || !told || (kept && kept.headers.get("etag") === told)) return;
  const cache = await caches.open(CACHE);
  await cache.put(FORM, answer);
  for (const client of await self.clients.matchAll()) client.postMessage("form");
}

self.addEventListener("sync", (event) => {
  const send = async () => {
    const { trouble } = await outbox.flush();
    if (trouble && trouble !== "unknown") throw new Error("not sent yet");
  };
  if (event.tag === "siaga-lapor") event.waitUntil(send());
});
