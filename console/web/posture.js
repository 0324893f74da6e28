// For commanders: who stands at the stations by the plan, who is said to, and what open incidents draw away.
import { call } from "./feed.js";
import { number, t } from "./words.js";

export const Posture = {
  template: `
  <div v-if="posture" class="card wide posture"><table><caption>{{ t('posture') }} <small>{{ posture.version }} · <em class="tag hot">{{ t('confidential') }}</em></small></caption>
    <thead><tr><th scope="col">{{ t('district') }}</th><th scope="col">{{ t('stations') }}</th><th scope="col">{{ t('officers_planned') }}</th><th scope="col">{{ t('linmas_planned') }}</th><th scope="col">{{ t('personnel_said') }}</th><th scope="col">{{ t('demand') }}</th><th scope="col">{{ t('shortfall') }}</th></tr></thead>
    <tbody><tr v-for="d in rows" :key="d.district" :class="{ empty: d.shortfall }">
      <th scope="row">{{ d.name }}</th>
      <td>{{ number(d.stations) }} <small v-if="d.classes">{{ classes(d) }}</small></td>
      <td>{{ number(d.officers) }}</td><td>{{ number(d.linmas) }}</td>
      <td>{{ d.reported.stations ? t('of_planned', { n: number(d.reported.personnel), m: number(d.reported.planned) }) : '–' }} <em v-if="d.reported.personnel < d.reported.planned" class="tag hot">{{ t('below_plan') }}</em></td>
      <td>{{ number(d.demand) }} <small>{{ t('incidents_n', { n: d.incidents }) }}</small></td>
      <td><b v-if="d.shortfall" class="alarm">{{ number(d.shortfall) }}</b><template v-else>0</template></td></tr></tbody></table></div>`,
  data: () => ({ posture: null }),
  mounted() {
    this.load();
    this.timer = setInterval(() => this.load(), 20000);
  },
  beforeUnmount() {
    clearInterval(this.timer);
  },
  computed: {
    // The whole first; then the districts that are short.
    rows() {
      const less = (d) => d.reported.planned - d.reported.personnel;
      const sorted = [...this.posture.districts].sort((a, b) => b.shortfall - a.shortfall || less(b) - less(a));
      return [{ ...this.posture.total, district: "", name: t("all") }, ...sorted];
    },
  },
  methods: {
    t, number,
    classes: (d) => Object.entries(d.classes).map(([name, count]) => `${t(`class_${name}`)} ${number(count)}`).join(" · "),
    async load() {
      try {
        this.posture = await call("/api/posture");
      } catch { /* the strip says that data is stale */ }
    },
  },
};
