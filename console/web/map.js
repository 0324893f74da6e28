// The map: outlines, stations by state, incidents by severity, clusters. No tiles: nothing comes from elsewhere.
import { leaflet as L } from "./leaflet/index.js";
import { byUrgency, call, isOpen, on, state } from "./feed.js";
import { kindName, placeOf, t } from "./words.js";

const STATIONS_EVERY = 30000;
// The gravest are pins with their number; of the others a dot on the canvas says where they are. Elements cost a
// browser a millisecond each whenever the map moves, dots next to nothing.
const PINS = 150;
const DOTS = 5000;
// Longer than Leaflet's animations (milliseconds).
const SETTLED = 600;
const COLOURS = { 1: "#d7263d", 2: "#e8650c", 3: "#e0a800", 4: "#2f80c2", 5: "#7d8996" };

// Leaflet's style, before ours, which changes it; a map without it is not worth drawing.
await new Promise((loaded, failed) => {
  const href = new URL("./leaflet/leaflet/leaflet.css", import.meta.url).href;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: loaded, onerror: failed });
  document.head.prepend(link);
});

export default {
  template: `
  <section class="map" :aria-label="t('map')">
    <div ref="map" class="canvas" role="application" :aria-label="t('map')"></div>
    <ul class="legend">
      <li><i class="dot reporting"></i>{{ t('legend_reporting') }}</li>
      <li><i class="dot unheard"></i>{{ t('legend_unheard') }}</li>
      <li><i class="dot silent"></i>{{ t('legend_silent') }}</li>
      <li><i class="dash"></i>{{ t('legend_cluster') }}</li>
    </ul>
  </section>`,
  props: { chosen: String, severities: Array, dark: Boolean },
  data: () => ({ stations: [] }),
  mounted() {
    this.layers = { stations: null, incidents: new Map(), clusters: null };
    this.off = on("changed", () => this.later());
    // It fits anew when its size changes, until somebody moves it: on a phone it begins behind the list, without one.
    for (const act of ["pointerdown", "wheel", "keydown"])
      this.$refs.map.addEventListener(act, () => (this.moved = true), { passive: true });
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.$refs.map);
  },
  beforeUnmount() {
    this.off?.();
    clearInterval(this.timer);
    clearTimeout(this.waiting);
    this.sizes?.disconnect();
    const map = this.map;
    this.map = null;
    // An animation that has begun ends on the map, which has to be there for it.
    if (map) setTimeout(() => map.remove(), SETTLED);
  },
  watch: {
    chosen() {
      this.drawIncidents();
      const card = state.cards.get(this.chosen);
      if (!this.map || !card || card.lat === null) return;
      this.moved ||= this.$refs.map.clientWidth > 0;
      this.map.panTo([card.lat, card.lon]);
    },
    severities: { deep: true, handler() { this.later(); } },
    dark() { this.restyle(); },
    ready() { this.later(); },
    complete() { this.later(); },
  },
  computed: { ready: () => state.ready, complete: () => state.complete },
  methods: {
    t,
    visible() {
      return Boolean(this.map && this.$refs.map?.clientWidth);
    },
    resized() {
      if (!this.$refs.map?.clientWidth) return;
      if (!this.map) this.begin();
      else {
        this.map.invalidateSize();
        if (!this.moved) this.fit();
        this.later();
      }
    },
    // Made when it is seen for the first time.
    async begin() {
      const map = (this.map = L.map(this.$refs.map, {
        zoomControl: true, attributionControl: false, preferCanvas: true, zoomSnap: 0.25, minZoom: 5, maxZoom: 17,
      }));
      map.setView([-7.03, 109.62], 10);
      // Outlines lie under the stations, their names over them and under the incidents.
      map.createPane("land").style.zIndex = 250;
      map.createPane("names").style.zIndex = 450;
      this.layers.clusters = L.layerGroup().addTo(map);
      await Promise.all([this.drawOutlines(), this.loadStations()]);
      if (!this.map) return; // another tab was chosen meanwhile
      this.timer = setInterval(() => this.loadStations(), STATIONS_EVERY);
      this.fit();
      this.drawIncidents();
    },
    colour(name) {
      return getComputedStyle(this.$el).getPropertyValue(name).trim();
    },
    outlineStyle() {
      return { color: this.colour("--outline"), weight: 1, fillColor: this.colour("--land"), fillOpacity: 1 };
    },
    async drawOutlines() {
      try {
        const answer = await fetch("/api/outlines");
        const found = await answer.json();
        if (!found.features?.length || !this.map) return;
        this.outlines = L.geoJSON(found, {
          interactive: false,
          pane: "land", renderer: L.svg({ pane: "land" }),
          style: () => this.outlineStyle(),
          onEachFeature: (feature, layer) => {
            const name = feature.properties?.name;
            if (name) layer.bindTooltip(name, { permanent: true, direction: "center", pane: "names", className: "district-name" });
          },
        }).addTo(this.map);
      } catch { /* the points read well without outlines */ }
    },
    restyle() {
      this.$nextTick(() => {
        if (!this.map) return;
        this.outlines?.setStyle(this.outlineStyle());
        this.drawStations();
        this.drawIncidents();
      });
    },
    async loadStations() {
      try {
        const found = [];
        let cursor = "";
        for (let page = 0; page < 10; page += 1) {
          const answer = await call(`/api/stations?limit=5000${cursor ? `&cursor=${cursor}` : ""}`);
          found.push(...answer.stations);
          cursor = answer.next;
          if (!cursor) break;
        }
        if (!this.map) return;
        this.stations = Object.freeze(found);
        this.drawStations();
      } catch { /* asked again in half a minute */ }
    },
    drawStations() {
      const silent = new Set();
      for (const card of state.cards.values())
        if (isOpen(card) && card.kind === "facility.network" && card.station_id) silent.add(card.station_id);
      const now = state.now + state.offset;
      const reach = state.pulse?.window ?? 3600;
      const layer = L.layerGroup();
      const [good, unheard, lost] = ["--reporting", "--unheard", "--silent"].map((name) => this.colour(name));
      for (const station of this.stations) {
        const at = station.last_seen_at ? Date.parse(station.last_seen_at) / 1000 : 0;
        const colour = silent.has(station.station_id) ? lost : now - at <= reach ? good : unheard;
        L.circleMarker([station.lat, station.lon], {
          radius: 2.6, stroke: false, fillColor: colour, fillOpacity: 0.85,
        })
          .bindTooltip(`${station.name} · ${station.village}`)
          .addTo(layer);
      }
      this.layers.stations?.remove();
      this.layers.stations = layer.addTo(this.map);
      for (const { dot } of this.layers.incidents.values()) dot?.bringToFront();
    },
    later() {
      if (this.waiting) return;
      this.waiting = setTimeout(() => {
        this.waiting = null;
        this.drawIncidents();
      }, 250);
    },
    drawIncidents() {
      if (!this.visible()) return;
      const kept = this.layers.incidents;
      const shown = [...state.cards.values()].filter(
        (card) =>
          isOpen(card) && card.lat !== null && (!this.severities.length || this.severities.includes(card.severity)),
      );
      if (shown.length > PINS) shown.sort(byUrgency);
      const wanted = new Map(shown.slice(0, DOTS).map((card, index) => [card.incident_id, [card, index < PINS]]));
      const chosen = wanted.get(this.chosen);
      if (chosen) chosen[1] = true;
      for (const [id, mark] of kept)
        if (!wanted.has(id)) {
          mark.layer.remove();
          kept.delete(id);
        }
      for (const [id, [card, pin]] of wanted) {
        const key = `${pin}|${card.version}|${card.state}|${card.severity}|${id === this.chosen}`;
        const mark = kept.get(id);
        if (mark?.key === key) continue;
        mark?.layer.remove();
        const layer = pin ? this.pin(card) : this.dot(card);
        layer.bindTooltip(() => this.saying(card), { direction: "top" });
        layer.on("click", () => (window.location.hash = `#/incident/${id}`));
        kept.set(id, { key, layer: layer.addTo(this.map), dot: pin ? null : layer });
      }
      this.drawClusters(shown);
    },
    pin(card) {
      const classes = ["pin", `sev${card.severity}`, card.state, card.drill ? "drill" : ""];
      if (card.incident_id === this.chosen) classes.push("chosen");
      const size = card.severity <= 2 ? 26 : 20;
      return L.marker([card.lat, card.lon], {
        icon: L.divIcon({ className: classes.join(" "), html: String(card.severity), iconSize: [size, size] }),
        zIndexOffset: 1000 - card.severity * 100,
        keyboard: false,
        alt: `SEV${card.severity} ${kindName(card.kind)}`,
      });
    },
    dot(card) {
      return L.circleMarker([card.lat, card.lon], {
        radius: 5, color: "#fff", weight: 1, fillColor: COLOURS[card.severity],
        fillOpacity: card.state === "acknowledged" ? 0.6 : 1,
      });
    },
    saying(card) {
      const words = document.createElement("span");
      words.textContent = `SEV${card.severity} ${kindName(card.kind)} · ${placeOf(card)}`;
      return words;
    },
    drawClusters(cards) {
      this.layers.clusters.clearLayers();
      const groups = new Map();
      for (const card of cards)
        if (card.cluster_id) groups.set(card.cluster_id, [...(groups.get(card.cluster_id) ?? []), card]);
      for (const members of groups.values()) {
        const worst = Math.min(...members.map((card) => card.severity));
        const lat = members.reduce((sum, card) => sum + card.lat, 0) / members.length;
        const lon = members.reduce((sum, card) => sum + card.lon, 0) / members.length;
        const reach = Math.max(600, ...members.map((card) => this.map.distance([lat, lon], [card.lat, card.lon]) + 500));
        L.circle([lat, lon], {
          radius: reach, color: COLOURS[worst], weight: 2, dashArray: "6 6", fillOpacity: 0.08, interactive: false,
        }).addTo(this.layers.clusters);
      }
    },
    fit() {
      if (!this.$refs.map.clientWidth) return;
      const points = this.stations.map((station) => [station.lat, station.lon]);
      // The legend lies over the lower edge.
      const room = { paddingTopLeft: [12, 12], paddingBottomRight: [12, 48], animate: false };
      if (this.outlines) this.map.fitBounds(this.outlines.getBounds(), room);
      else if (points.length) this.map.fitBounds(points, room);
    },
  },
};
