// The incident queue: filters, keyboard, and rows that stay where they are while others change.
import { byUrgency, isOpen, state } from "./feed.js";
import { clock, kindName, me, named, placeOf, serverNow, span, t } from "./words.js";

const PAGE = 100;

export default {
  template: `
  <section class="queue" :aria-label="t('queue')">
    <form class="filters" role="search" @submit.prevent @keydown.esc="$refs.search.blur()">
      <input ref="search" type="search" v-model.trim="filter.text" :placeholder="t('search')" :aria-label="t('search')">
      <select v-model="filter.state" :aria-label="t('state')">
        <option value="active">{{ t('state_active') }}</option>
        <option value="waiting">{{ t('state_waiting') }}</option>
        <option value="mine">{{ t('state_mine') }}</option>
        <option value="closed">{{ t('state_closed') }}</option>
        <option value="all">{{ t('all') }}</option>
      </select>
      <select v-model="filter.family" :aria-label="t('family')">
        <option value="">{{ t('family') }}</option>
        <option v-for="f in families" :key="f" :value="f">{{ named('f', f) }}</option>
      </select>
      <select v-model="filter.district" :aria-label="t('district')">
        <option value="">{{ t('district') }}</option>
        <option v-for="[code, name] in districts" :key="code" :value="code">{{ name }}</option>
      </select>
      <select v-model="filter.agency" :aria-label="t('agency')">
        <option value="">{{ t('agency') }}</option>
        <option v-for="a in agencies" :key="a" :value="a">{{ a }}</option>
      </select>
      <p class="count" aria-live="off">{{ t('shown', { n: rows.length, m: inState }) }}
        <button v-if="filtered" type="button" class="link" @click="clear">{{ t('clear') }}</button></p>
    </form>
    <ol class="rows" ref="rows" :aria-label="t('queue')">
      <li v-for="card in visible" :key="card.incident_id">
        <a :href="'#/incident/' + card.incident_id" :data-id="card.incident_id"
          :class="['row', 'sev' + card.severity, card.state, { fresh: state.fresh.has(card.incident_id), chosen: card.incident_id === chosen, drill: card.drill, late: late(card) }]"
          :aria-current="card.incident_id === chosen ? 'true' : null">
          <span class="badge"><b>{{ card.severity }}</b><span>SEV</span></span>
          <span class="what">
            <strong>{{ kindName(card.kind) }}</strong>
            <em v-if="card.drill" class="tag">{{ t('drill') }}</em>
            <em v-if="card.cluster_id" class="tag hot">{{ t('cluster') }}</em>
            <em v-if="card.needs_verification && isOpen(card)" class="tag">{{ t('verify_first') }}</em>
            <em v-if="card.ladder === 'exhausted'" class="tag hot">{{ t('exhausted') }}</em>
            <em v-else-if="card.level > 1 && card.state === 'open'" class="tag hot">{{ t('level_n', { n: card.level }) }}</em>
            <em v-if="card.raised" class="tag">{{ t('overridden') }}</em>
            <em v-if="card.clock_skewed" class="tag">{{ t('skewed') }}</em>
            <span class="where">{{ placeOf(card) }}<template v-if="card.station_count > 1"> · {{ t('stations_n', { n: card.station_count }) }}</template></span>
          </span>
          <span class="when">
            <span v-if="pendingOf(card)" class="sending">{{ named('a', pendingOf(card).action) }} · {{ t('sending') }}</span>
            <span v-else-if="card.state === 'open' && card.due" :class="['due', { over: late(card) }]">{{ late(card) ? t('due_late', { t: clock(now() - card.due) }) : t('due_in', { t: clock(card.due - now()) }) }}</span>
            <span v-else-if="card.state === 'acknowledged'" class="by">{{ card.acknowledged_by ? t('taken_by', { who: card.acknowledged_by }) : t('taken') }}</span>
            <span v-else>{{ named('s', card.state) }}</span>
            <span class="age">{{ span(now() - card.opened) }} · {{ t('reports_n', { n: card.report_count }) }}</span>
          </span>
        </a>
      </li>
    </ol>
    <p v-if="!rows.length" class="empty">{{ state.cards.size && inState ? t('empty') : t('quiet') }}</p>
    <button v-if="rows.length > limit" class="more" @click="limit += 200">{{ t('more', { n: Math.min(200, rows.length - limit) }) }}</button>
  </section>`,
  props: { chosen: String, severities: Array },
  emits: ["severities"],
  data() {
    const kept = JSON.parse(sessionStorage.getItem("siaga-filter") || "{}");
    return { state, limit: PAGE, filter: { text: "", state: "active", family: "", district: "", agency: "", ...kept } };
  },
  watch: {
    filter: { deep: true, handler: (value) => sessionStorage.setItem("siaga-filter", JSON.stringify(value)) },
  },
  computed: {
    all: () => (state.revision, [...state.cards.values()]),
    families() {
      return [...new Set(this.all.map((card) => card.family))].sort();
    },
    districts() {
      const found = new Map(this.all.map((card) => [card.district, card.district_name]));
      return [...found].sort((a, b) => a[1].localeCompare(b[1]));
    },
    agencies() {
      return [...new Set(this.all.map((card) => card.lead_agency))].sort();
    },
    ofState() {
      const fits = {
        active: isOpen,
        waiting: (card) => card.state === "open",
        mine: (card) => isOpen(card) && card.acknowledged_by === me.name,
        closed: (card) => !isOpen(card),
        all: () => true,
      }[this.filter.state];
      return this.all.filter(fits);
    },
    inState() {
      return this.ofState.length;
    },
    rows() {
      const { family, district, agency } = this.filter;
      const words = this.filter.text.toLowerCase().split(/\s+/).filter(Boolean);
      return this.ofState
        .filter(
          (card) =>
            (!this.severities.length || this.severities.includes(card.severity)) &&
            (!family || card.family === family) &&
            (!district || card.district === district) &&
            (!agency || card.lead_agency === agency) &&
            words.every((word) => this.haystack(card).includes(word)),
        )
        .sort(this.filter.state === "closed" ? (a, b) => b.updated - a.updated : byUrgency);
    },
    visible() {
      return this.rows.slice(0, this.limit);
    },
    filtered() {
      const { text, family, district, agency } = this.filter;
      return Boolean(text || family || district || agency || this.severities.length || this.filter.state !== "active");
    },
  },
  methods: {
    t, kindName, named, span, clock, placeOf, isOpen,
    now: serverNow,
    late: (card) => card.state === "open" && card.due !== null && serverNow() > card.due,
    pendingOf: (card) => state.pending.get(card.incident_id),
    haystack: (card) =>
      `${kindName(card.kind)} ${card.kind} ${placeOf(card)} ${card.station_id ?? ""} ${card.lead_agency} ${card.incident_id}`.toLowerCase(),
    clear() {
      Object.assign(this.filter, { text: "", state: "active", family: "", district: "", agency: "" });
      this.$emit("severities", []);
    },
    focusSearch() {
      this.$refs.search.focus();
    },
    // Move the focus by `step` rows; the first row when none has it.
    move(step) {
      const rows = [...this.$refs.rows.querySelectorAll("a.row")];
      if (!rows.length) return;
      const at = rows.indexOf(document.activeElement);
      const chosen = rows.findIndex((row) => row.dataset.id === this.chosen);
      const from = at >= 0 ? at : chosen;
      const next = rows[Math.min(rows.length - 1, Math.max(0, from < 0 ? 0 : from + step))];
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    },
    focused: () => document.activeElement?.dataset?.id ?? null,
  },
};
