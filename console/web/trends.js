// Trends: incidents over time and by family, by district and severity, and how fast they were taken.
import { call } from "./feed.js";
import { dayOf, me, named, number, span, stepOf, t, timeOf } from "./words.js";

const COLOURS = ["#d7263d", "#2f80c2", "#e0a800", "#3a9d6e", "#8a5cc4", "#e8650c", "#3fa7b5", "#b0568b", "#7d8996",
  "#6b8e23", "#c27c4e", "#5d6fb0", "#9aa0a6"];
const HEIGHT = 200;
// What the time under a bar takes of the width, and seconds from which on bars are named by their days.
const LABEL = 44;
const DAY = 86400;

export default {
  template: `
  <section class="trends" :aria-label="t('trends')">
    <p v-if="!data" class="empty">{{ t('loading') }}</p>
    <template v-else>
      <ul class="totals">
        <li v-for="[name, value] in totals" :key="name"><b>{{ number(value) }}</b><span>{{ name }}</span></li>
        <li v-if="mayReport" class="export"><a href="/report" target="_blank">{{ t('day_report') }}</a><span>{{ t('last_24h') }}</span></li>
        <li class="export"><a href="/api/incidents.csv">{{ t('export') }}</a><span>{{ t('last_24h') }}</span></li>
      </ul>
      <figure class="card wide"><figcaption>{{ t('by_time', { step: stepOf(data.step) }) }}</figcaption>
        <svg v-if="bars.length" :viewBox="'0 0 ' + width + ' ' + (HEIGHT + 24)" role="img" :aria-label="t('by_time', { step: stepOf(data.step) })">
          <g v-for="bar in bars" :key="bar.at"><rect v-for="part in bar.parts" :key="part.family" :x="bar.x" :y="part.y" :width="bar.w" :height="part.h" :fill="part.colour"><title>{{ bar.label }} {{ named('f', part.family) }}: {{ part.n }}</title></rect>
            <text v-if="bar.named" :x="bar.x + bar.w / 2" :y="HEIGHT + 17">{{ bar.label }}</text>
            <text v-if="bar.sum" class="sum" :x="bar.x + bar.w / 2" :y="bar.top - 4">{{ bar.sum }}</text></g>
        </svg>
        <p v-else class="empty">{{ t('none') }}</p>
        <ul class="keys"><li v-for="f in families" :key="f"><i :style="{ background: colourOf(f) }"></i>{{ named('f', f) }}</li></ul>
      </figure>
      <div class="card"><table><caption>{{ t('by_district') }}</caption>
        <tbody><tr v-for="d in data.by_district" :key="d.district"><th scope="row">{{ d.name }}</th>
          <td><span class="stack"><i v-for="s in 5" :key="s" :class="'sev' + s" :style="{ flexGrow: d.severities[s] || 0 }" v-show="d.severities[s]" :title="'SEV' + s">{{ d.severities[s] }}</i></span></td></tr>
          <tr v-if="!data.by_district.length"><td>{{ t('none') }}</td></tr></tbody></table></div>
      <div class="card"><table><caption>{{ t('response') }}</caption>
        <thead v-if="data.response.length"><tr><th scope="col">SEV</th><th scope="col">{{ t('agency') }}</th><th scope="col">{{ t('taken_count') }}</th><th scope="col">{{ t('median') }}</th><th scope="col">{{ t('longest') }}</th></tr></thead>
        <tbody><tr v-for="r in data.response" :key="r.agency + r.severity"><td>{{ r.severity }}</td><td>{{ r.agency }}</td><td>{{ r.taken }}</td><td>{{ span(r.median) }}</td><td>{{ span(r.longest) }}</td></tr>
          <tr v-if="!data.response.length"><td>{{ t('response_none') }}</td></tr></tbody></table></div>
    </template>
  </section>`,
  // A picture that is scaled down has letters that nobody reads.
  data: () => ({ data: null, HEIGHT, width: window.innerWidth < 900 ? 400 : 960 }),
  mounted() {
    this.load();
    this.timer = setInterval(() => this.load(), 15000);
  },
  beforeUnmount() {
    clearInterval(this.timer);
  },
  computed: {
    mayReport: () => ["commander", "auditor", "admin"].includes(me.role),
    totals() {
      const { totals, incidents, drills } = this.data;
      return [[t("total_incidents"), incidents], [t("total_drills"), drills], [t("total_reports"), totals.reports],
        [t("total_checkins"), totals.checkins], [t("total_rejected"), totals.rejected]];
    },
    families() {
      return [...new Set(this.data.by_time.flatMap((bar) => Object.keys(bar.families)))].sort();
    },
    bars() {
      const { by_time: times, step } = this.data;
      const most = Math.max(1, ...times.map((bar) => Object.values(bar.families).reduce((a, b) => a + b, 0)));
      const wide = this.width / Math.max(times.length, 8);
      const every = Math.ceil(LABEL / wide);
      const gap = Math.min(8, wide / 4);
      return times.map(({ at, families }, index) => {
        let y = HEIGHT;
        const parts = this.families
          .filter((family) => families[family])
          .map((family) => {
            const n = families[family];
            const h = ((HEIGHT - 24) * n) / most;
            y -= h;
            return { family, n, h, y, colour: this.colourOf(family) };
          });
        const label = step < DAY ? timeOf(at).slice(0, 5) : dayOf(at);
        const sum = parts.reduce((a, part) => a + part.n, 0);
        return { at, x: index * wide + gap / 2, w: Math.min(wide - gap, 64), parts, label, named: index % every === 0, top: y, sum };
      });
    },
  },
  methods: {
    t, named, number, span, stepOf,
    colourOf(family) {
      return COLOURS[this.families.indexOf(family) % COLOURS.length];
    },
    async load() {
      try {
        this.data = await call("/api/trends");
      } catch { /* the strip says that data is stale */ }
    },
  },
};
