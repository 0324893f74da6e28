// Who is on duty, and for auditors what was done: two tables each.
import { call } from "./feed.js";
import { Posture } from "./posture.js";
import { me, momentOf, named, t } from "./words.js";

export const Duty = {
  template: `
  <section class="tables" :aria-label="t('duty')">
    <p v-if="!desks" class="empty">{{ t('loading') }}</p>
    <p v-else-if="!desks.length" class="empty">{{ t('duty_none') }}</p>
    <div v-else class="card wide"><table><caption>{{ t('duty') }}</caption>
      <thead><tr><th scope="col">{{ t('desk') }}</th><th scope="col">{{ t('on_duty') }}</th><th scope="col">{{ t('until') }}</th><th scope="col">{{ t('next_shift') }}</th></tr></thead>
      <tbody><tr v-for="d in desks" :key="d.area + d.agency + d.role" :class="{ empty: !d.manned }">
        <th scope="row">{{ d.name }} <small>{{ named('d', d.role) }}</small></th>
        <td><template v-if="d.officers.length"><span v-for="o in d.officers" :key="o.officer_id" class="person">{{ o.name }} <small>{{ o.officer_id }}</small></span></template><template v-else-if="d.manned">{{ d.manned }}</template><b v-else class="alarm">{{ t('nobody') }}</b></td>
        <td>{{ d.until ? moment(d.until) : '–' }} <em v-if="d.gap && d.manned" class="tag hot">{{ t('gap') }}</em></td>
        <td>{{ d.next ? moment(d.next) : '–' }}</td></tr></tbody></table></div>
    <posture v-if="commands"></posture>
  </section>`,
  components: { Posture },
  data: () => ({ desks: null, commands: me.role === "commander" || me.role === "admin" }),
  mounted() {
    this.load();
    this.timer = setInterval(() => this.load(), 20000);
  },
  beforeUnmount() {
    clearInterval(this.timer);
  },
  methods: {
    t, named, moment: momentOf,
    async load() {
      try {
        this.desks = (await call("/api/duty")).desks;
      } catch { /* the strip says that data is stale */ }
    },
  },
};

export const Audit = {
  template: `
  <section class="tables" :aria-label="t('audit')">
    <div class="card wide"><table><caption>{{ t('accesses') }}</caption>
      <thead><tr><th scope="col">{{ t('when') }}</th><th scope="col">{{ t('who') }}</th><th scope="col">{{ t('object') }}</th><th scope="col">{{ t('reason') }}</th></tr></thead>
      <tbody><tr v-for="a in accesses" :key="a.access_id"><td>{{ moment(a.at) }}</td><td>{{ a.user_name }}</td><td><a :href="'#/incident/' + a.incident_id">{{ a.incident_id.slice(0, 8) }}</a></td><td>{{ a.reason }}</td></tr>
      <tr v-if="!accesses.length"><td colspan="4">{{ t('none') }}</td></tr></tbody></table></div>
    <div class="card wide"><table><caption>{{ t('trail') }}</caption>
      <thead><tr><th scope="col">#</th><th scope="col">{{ t('when') }}</th><th scope="col">{{ t('who') }}</th><th scope="col">{{ t('what') }}</th><th scope="col">{{ t('object') }}</th><th scope="col">{{ t('detail') }}</th></tr></thead>
      <tbody><tr v-for="r in rows" :key="r.seq"><td>{{ r.seq }}</td><td>{{ moment(r.at) }}</td><td>{{ r.actor }}</td><td>{{ r.action }}</td><td>{{ r.object }}</td><td>{{ r.detail }}</td></tr>
      <tr v-if="!rows.length"><td colspan="6">{{ t('none') }}</td></tr></tbody></table>
      <button v-if="next !== null" class="more" @click="load(next)">{{ t('more', { n: 100 }) }}</button></div>
  </section>`,
  data: () => ({ rows: [], next: null, accesses: [] }),
  async mounted() {
    await this.load();
    this.accesses = (await call("/api/accesses")).rows;
  },
  methods: {
    t, moment: momentOf,
    async load(cursor = null) {
      const page = await call(`/api/audit${cursor === null ? "" : `?cursor=${cursor}`}`);
      this.rows.push(...page.rows);
      this.next = page.next;
    },
  },
};
