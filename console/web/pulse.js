// The strip with the day's pulse. In: the pulse. Out: nothing but what is read.
import { PIPELINE, age, state } from "./feed.js";
import { number, span, t } from "./words.js";

export default {
  template: `
  <section class="pulse" :aria-label="t('pulse')" v-if="pulse">
    <div class="figure">
      <span>{{ t('reporting') }}</span>
      <b>{{ number(pulse.reporting) }}<small>/{{ number(pulse.stations) }}</small></b>
      <i class="bar" aria-hidden="true"><i :style="{ width: share + '%' }"></i></i>
    </div>
    <div class="figure" :class="{ warn: pulse.silent > 0 }">
      <span>{{ t('silent') }}</span><b>{{ number(pulse.silent) }}</b>
    </div>
    <div class="figure levels" role="group" :aria-label="t('open_by_severity')">
      <button v-for="s in 5" :key="s" :class="['level', 'sev' + s, { none: !pulse.open[s], on: chosen.includes(s) }]"
        :aria-pressed="chosen.includes(s)" :aria-label="'SEV' + s + ': ' + pulse.open[s]" @click="$emit('severity', s)">
        <b>{{ number(pulse.open[s]) }}</b><span>SEV{{ s }}</span>
      </button>
    </div>
    <div class="figure" :class="{ alarm: pulse.overdue > 0 }">
      <span>{{ t('overdue') }}</span><b>{{ number(pulse.overdue) }}</b>
    </div>
    <div class="figure" :class="{ alarm: age > PIPELINE }">
      <span>{{ t('canary') }}</span><b>{{ age === null ? '–' : span(age) }}</b>
    </div>
    <div class="figure spark">
      <span>{{ t('per_minute') }}</span>
      <b>{{ number(pulse.reports_by_minute[58]) }}<small v-if="pulse.untriaged" class="note">{{ t('untriaged', { n: number(pulse.untriaged) }) }}</small></b>
      <svg viewBox="0 0 120 34" preserveAspectRatio="none" aria-hidden="true">
        <path :d="area" class="area"/><path :d="line" class="line"/>
      </svg>
    </div>
  </section>`,
  props: { chosen: Array },
  emits: ["severity"],
  data: () => ({ PIPELINE }),
  computed: {
    pulse: () => state.pulse,
    age: () => age.value,
    share() {
      return this.pulse.stations ? Math.round((100 * this.pulse.reporting) / this.pulse.stations) : 0;
    },
    points() {
      const values = this.pulse.reports_by_minute;
      const most = Math.max(4, ...values);
      return values.map((value, index) => `${((index * 120) / 59).toFixed(1)},${(32 - (30 * value) / most).toFixed(1)}`);
    },
    line() {
      return `M${this.points.join("L")}`;
    },
    area() {
      return `M0,34L${this.points.join("L")}L120,34Z`;
    },
  },
  methods: { t, span, number },
};
