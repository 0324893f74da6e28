// Which incident takes the reports of another, and which reports leave one: two lists to choose from.
import { isOpen, state } from "./feed.js";
import { kindName, momentOf, named, placeOf, serverNow, span, t } from "./words.js";

const SHOWN = 30;
const METRES = 111_320;

// Metres between two cards, on a plane: they lie in one district.
function apart(one, other) {
  if (one.lat === null || other.lat === null) return Infinity;
  const east = (one.lon - other.lon) * Math.cos((one.lat * Math.PI) / 180);
  return Math.hypot(east, one.lat - other.lat) * METRES;
}

// The incidents that `card` can be merged into: of its district and open, the nearest first, then the newest.
export function candidatesFor(card) {
  return [...state.cards.values()]
    .filter((c) => c.incident_id !== card.incident_id && c.district === card.district && c.drill === card.drill && isOpen(c))
    .map((c) => ({ card: c, metres: apart(card, c) }))
    .sort((a, b) => a.metres - b.metres || b.card.opened - a.card.opened)
    .slice(0, SHOWN);
}

// The reports that stand: nobody withdrew or corrected them.
export function standing(reports) {
  const gone = new Set(reports.map((r) => r.corrects));
  return reports.filter((r) => !r.withdraws && !gone.has(r.report_id));
}

export const Candidates = {
  template: `
  <fieldset class="pick wide"><legend>{{ t('merge_into') }}</legend>
    <p v-if="!found.length" class="empty">{{ t('merge_none') }}</p>
    <label v-for="{ card: c, metres } in found" :key="c.incident_id">
      <input type="radio" name="into" :value="c.incident_id" :checked="modelValue === c.incident_id" @change="$emit('update:modelValue', c.incident_id)">
      <span><b>SEV{{ c.severity }} {{ kindName(c.kind) }}</b> {{ placeOf(c) }}
        <small><template v-if="metres < Infinity">{{ far(metres) }} · </template>{{ t('opened_ago', { t: span(now() - c.opened) }) }} · {{ t('reports_n', { n: c.report_count }) }} · {{ c.incident_id.slice(0, 8) }}</small></span>
    </label>
  </fieldset>`,
  props: { card: Object, modelValue: String },
  emits: ["update:modelValue"],
  computed: {
    found() {
      return (state.revision, candidatesFor(this.card));
    },
  },
  methods: {
    t, kindName, placeOf, span,
    now: serverNow,
    far: (metres) => (metres < 1 ? t("same_place") : metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`),
  },
};

export const Ticks = {
  template: `
  <fieldset class="pick wide"><legend>{{ t('split_which') }}</legend>
    <label v-for="r in found" :key="r.report_id">
      <input type="checkbox" :value="r.report_id" :checked="modelValue.includes(r.report_id)" @change="tick(r.report_id)">
      <span><b>{{ kindName(r.kind) }}</b> {{ r.station_id }}
        <small>{{ moment(r.received_at) }} · {{ named('r', r.reporter_role) }}</small><span v-if="r.text" class="text">{{ r.text }}</span></span>
    </label>
    <p class="empty">{{ t('split_keep') }}</p>
  </fieldset>`,
  props: { reports: Array, modelValue: Array },
  emits: ["update:modelValue"],
  computed: {
    found() {
      return standing(this.reports);
    },
  },
  methods: {
    t, kindName, named, moment: momentOf,
    tick(id) {
      const kept = this.modelValue.filter((other) => other !== id);
      this.$emit("update:modelValue", kept.length < this.modelValue.length ? kept : [...kept, id]);
    },
  },
};
