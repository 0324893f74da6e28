// One incident: facts, reasons, reports, history, and what can be decided about it.
import { call, decide, isOpen, on, state } from "./feed.js";
import { Candidates, Ticks, standing } from "./regroup.js";
import { clock, kindName, me, momentOf, named, placeOf, serverNow, span, t } from "./words.js";

// What each decision asks for besides the button.
const ASKS = {
  acknowledge: [], on_my_way: ["minutes"], verify: ["reason?"], refute: ["reason"], assign: ["assignee", "reason?"],
  hand_off: ["agency", "reason?"], override: ["severity", "reason"], resolve: ["reason?"], dismiss: ["reason"],
  reopen: ["reason?"], note: ["reason"], escalate: ["reason?"], merge: ["into", "reason?"], split: ["report_ids", "reason?"],
};
const OPEN = ["acknowledge", "on_my_way", "verify", "refute", "assign", "hand_off", "escalate", "resolve", "note", "merge", "split"];
const COMMANDER = ["override", "dismiss"];
const blank = () => ({ reason: "", severity: "", assignee: "", agency: "", minutes: 10, into: "", report_ids: [] });

export default {
  template: `
  <article class="incident" :class="'sev' + (card ? card.severity : 5)" tabindex="-1" ref="panel" :aria-label="card ? kindName(card.kind) : t('loading')">
    <button class="close" @click="$emit('close')" :aria-label="t('close')" :title="t('close') + ' (Esc)'">✕</button>
    <p v-if="missing" class="empty">{{ t('gone') }}</p>
    <template v-else-if="card">
      <header>
        <span class="badge"><b>{{ card.severity }}</b><span>SEV</span></span>
        <div>
          <h2>{{ kindName(card.kind) }}<em v-if="card.drill" class="tag">{{ t('drill') }}</em></h2>
          <p class="where">{{ placeOf(card) }} <small>{{ card.station_id }}</small></p>
          <p class="status">
            <span :class="['chip', card.state]">{{ named('s', card.state) }}</span>
            <span v-if="card.acknowledged_by">{{ t('taken_by', { who: card.acknowledged_by }) }}</span>
            <span v-if="card.assigned_to">{{ t('assigned_to', { who: card.assigned_to }) }}</span>
            <span v-if="card.state === 'open' && card.due" :class="['due', { over: now() > card.due }]">{{ now() > card.due ? t('due_late', { t: clock(now() - card.due) }) : t('due_in', { t: clock(card.due - now()) }) }}</span>
            <span v-if="pending" class="sending">{{ named('a', pending.action) }} · {{ t('sending') }}</span>
          </p>
        </div>
      </header>
      <div v-if="actions.length" class="actions" role="group">
        <button v-for="(action, index) in actions" :key="action" :class="{ first: index === 0, on: asking === action }"
          :disabled="Boolean(pending)" :aria-expanded="ASKS[action].length ? asking === action : null" @click="choose(action)">{{ named('a', action) }}</button>
      </div>
      <form v-if="asking" class="ask" @submit.prevent="send(asking)">
        <candidates v-if="asks('into')" :card="card" v-model="answer.into"></candidates>
        <ticks v-if="asks('report_ids') && detail" :reports="detail.reports" v-model="answer.report_ids"></ticks>
        <label v-if="asks('severity')">{{ t('new_severity') }}
          <select v-model="answer.severity" ref="ask"><option value="">{{ t('computed') }}</option><option v-for="s in 5" :key="s" :value="s">SEV{{ s }}</option></select></label>
        <label v-if="asks('assignee')">{{ t('assignee') }}<input v-model.trim="answer.assignee" ref="ask" required pattern="[A-Za-z0-9._:@\\-]{1,80}"></label>
        <label v-if="asks('agency')">{{ t('to_agency') }}<input v-model.trim="answer.agency" ref="ask" required pattern="[A-Za-z0-9._:@\\-]{1,80}"></label>
        <label v-if="asks('minutes')">{{ t('minutes') }}<input v-model.number="answer.minutes" ref="ask" type="number" min="1" max="1440" required></label>
        <label v-if="asks('reason') || asks('reason?')" class="wide">{{ t('reason') }}<textarea v-model.trim="answer.reason" ref="ask" rows="2" maxlength="500" :required="asks('reason')"></textarea></label>
        <span class="buttons"><button type="submit" class="first" :disabled="unfinished">{{ t('send') }}</button><button type="button" @click="asking = null">{{ t('cancel') }}</button></span>
      </form>
      <template v-if="detail">
        <p v-if="detail.incident.merged_into" class="links"><a :href="'#/incident/' + detail.incident.merged_into">{{ t('merged_into', { id: detail.incident.merged_into.slice(0, 8) }) }}</a></p>
        <section><h3>{{ t('reasons') }}</h3>
          <ul class="reasons"><li v-for="(r, i) in detail.incident.reasons" :key="i">{{ r[language] }}<em v-if="r.confidential" class="tag hot">{{ t('confidential') }}</em></li>
          <li v-if="detail.incident.override">{{ t('overridden') }}: {{ detail.incident.override.reason }}<template v-if="detail.incident.override.by"> ({{ detail.incident.override.by }})</template></li></ul>
        </section>
        <section><h3>{{ t('facts') }}</h3>
          <dl class="facts"><template v-for="[name, value] in facts" :key="name"><dt>{{ name }}</dt><dd>{{ value }}</dd></template></dl>
        </section>
        <section v-if="detail.escalation"><h3>{{ t('escalation') }} <small>{{ named('e', detail.escalation.state) }}<template v-if="detail.escalation.level"> · {{ t('level_n', { n: detail.escalation.level }) }}</template></small></h3>
          <p v-if="detail.escalation.next_due_at && isOpen(card)" class="meta">{{ named('m', detail.escalation.next_timer) }} {{ moment(detail.escalation.next_due_at) }} · {{ clock(Date.parse(detail.escalation.next_due_at) / 1000 - now()) }}</p>
          <ol class="pages"><li v-for="p in pages" :key="p.page_id"><b>{{ p.officer_id || p.agency }}</b><span>{{ p.agency }} · {{ p.channel_kind }}</span><span :class="['chip', 'p-' + p.status]">{{ named('p', p.status) }}<template v-if="p.status_reason && p.status_reason !== 'none'"> ({{ p.status_reason.replaceAll('_', ' ') }})</template></span><time>{{ moment(p.sent_at || p.due_at) }}</time></li></ol>
          <button v-if="detail.pages.length > pages.length" class="link" @click="allPages = true">{{ t('more', { n: detail.pages.length - pages.length }) }}</button>
          <details v-if="detail.steps.length"><summary>{{ t('ladder') }}</summary><ol class="timeline"><li v-for="(s, i) in steps" :key="i"><time>{{ moment(s.at) }}</time><span><b>{{ named('y', s.reason) }}</b><template v-if="s.level"> · {{ t('level_n', { n: s.level }) }}</template><template v-if="s.desk"> · {{ s.desk }}</template><template v-if="s.officer_id"> · {{ s.officer_id }}</template></span></li></ol></details>
        </section>
        <section><h3>{{ t('reports') }} <small>{{ t('reporters_n', { n: card.reporter_count }) }}</small></h3>
          <form v-if="me.role === 'auditor' && !detail.reporters_shown" class="ask" @submit.prevent="load(why)">
            <label class="wide">{{ t('audit_reason') }}<input v-model.trim="why" required maxlength="500"></label>
            <span class="buttons"><button class="first">{{ t('show_reporters') }}</button></span></form>
          <ol class="reports"><li v-for="r in detail.reports" :key="r.report_id">
            <p class="meta">{{ moment(r.received_at) }} · {{ named('r', r.reporter_role) }}<template v-if="r.reporter_id"> · <b>{{ r.reporter_id }}</b></template><template v-if="r.device_id"> · {{ r.device_id }}</template> · {{ kindName(r.kind) }}</p>
            <p v-if="r.text" class="text">{{ r.text }}</p></li>
          <li v-if="!detail.reports.length">{{ t('none') }}</li></ol>
        </section>
        <section><h3>{{ t('timeline') }}</h3>
          <ol class="timeline"><li v-for="(h, i) in history" :key="i" :class="h.change"><time>{{ moment(h.at) }}</time>
            <span><b>{{ named('c', h.change) }}</b><template v-if="h.by"> · {{ h.by }}</template><template v-if="h.detail"> · {{ h.detail }}</template></span></li>
          <li v-if="!history.length">{{ t('none') }}</li></ol>
        </section>
        <p class="links"><a :href="'/cap/' + card.incident_id + '.xml'">CAP 1.2</a><small>{{ card.incident_id }} · v{{ card.version }}</small></p>
      </template>
      <p v-else class="empty">{{ t('loading') }}</p>
    </template>
    <p v-else class="empty">{{ t('loading') }}</p>
  </article>`,
  components: { Candidates, Ticks },
  props: { id: String, language: String },
  emits: ["close", "said"],
  data: () => ({ ASKS, me, detail: null, missing: false, asking: null, why: "", shownWhy: "", allPages: false,
    answer: blank() }),
  async mounted() {
    this.off = on("changed", (id) => id === this.id && this.load(this.shownWhy));
    await this.load();
    // Whoever has begun to decide meanwhile is left where they are.
    if (!this.$refs.panel?.contains(document.activeElement)) this.$refs.panel?.focus({ preventScroll: true });
  },
  beforeUnmount() {
    this.off();
  },
  watch: {
    id() {
      Object.assign(this, { detail: null, missing: false, asking: null, why: "", shownWhy: "", allPages: false });
      this.load();
    },
  },
  computed: {
    card() {
      return (state.revision, state.cards.get(this.id)) ?? this.detail?.card ?? null;
    },
    pending() {
      return state.pending.get(this.id);
    },
    actions() {
      if (!me.may_act || !this.card) return [];
      const mayCommand = me.role === "commander" || me.role === "admin";
      if (this.card.state === "merged") return [];
      if (!isOpen(this.card)) return ["reopen", "note"];
      const not = [this.card.state === "open" ? null : "acknowledge", this.card.report_count > 1 ? null : "split"];
      const open = OPEN.filter((action) => !not.includes(action));
      return mayCommand ? [...open, ...COMMANDER] : open;
    },
    // Whether something has to be chosen yet: an incident to merge into, or some of the reports and not all.
    unfinished() {
      const [ticked, all] = [this.answer.report_ids.length, standing(this.detail?.reports ?? []).length];
      return (this.asks("into") && !this.answer.into) || (this.asks("report_ids") && (!ticked || ticked >= all));
    },
    // The latest first, and no more of them than fit: nobody answering makes the list long.
    pages() {
      const found = [...this.detail.pages].reverse();
      return this.allPages ? found : found.slice(0, 6);
    },
    steps() {
      return [...this.detail.steps].reverse();
    },
    history() {
      return [...this.detail.history].reverse();
    },
    facts() {
      const found = this.detail.incident;
      const f = found.facts;
      const rows = [
        [t("lead"), found.lead_agency], [t("support"), found.support_agencies.join(", ")],
        [t("certainty"), named("v", found.certainty)], [t("urgency"), named("u", found.urgency)],
        [t("occurred"), momentOf(found.first_occurred_at)], [t("opened"), momentOf(found.opened_at)],
        [t("dead"), f.dead], [t("injured"), f.injured], [t("crowd"), f.crowd],
        [t("weapons"), f.weapons && named("w", f.weapons)],
        [t("ballots_threatened"), this.flag(f.ballots_threatened)], [t("voting_stopped"), this.flag(f.voting_stopped)],
        [t("accused"), f.accused_unit], [t("outcome"), found.outcome],
      ];
      return rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
    },
  },
  methods: {
    t, kindName, named, placeOf, span, clock, isOpen,
    now: serverNow,
    moment: momentOf,
    flag: (value) => (value === null || value === undefined ? null : t(value ? "yes" : "no")),
    asks(name) {
      return ASKS[this.asking]?.includes(name);
    },
    async load(why = "") {
      const id = this.id;
      try {
        const query = why ? `?reason=${encodeURIComponent(why)}` : "";
        const found = await call(`/api/incidents/${id}${query}`);
        if (id !== this.id) return;
        const before = this.detail;
        Object.assign(this, { detail: found, missing: false, shownWhy: why });
        const news = before ? found.history.slice(before.history.length) : [];
        for (const entry of news)
          if (entry.by && entry.by !== me.name)
            this.$emit("said", "changed_by", { who: entry.by, what: named("c", entry.change) });
      } catch (error) {
        if (id === this.id && error.status === 404) this.missing = true;
      }
    },
    choose(action) {
      if (!ASKS[action].length) return this.send(action);
      this.asking = this.asking === action ? null : action;
      this.$nextTick(() => (this.$refs.panel.querySelector(".pick input") ?? [this.$refs.ask].flat()[0])?.focus());
    },
    async send(action) {
      const decision = { action, command_id: crypto.randomUUID?.() ?? undefined };
      for (const ask of ASKS[action]) {
        const name = ask.replace("?", "");
        const value = this.answer[name];
        if (value !== "" && value.length !== 0) decision[name] = value;
      }
      const kept = { ...this.answer };
      this.asking = null;
      const taken = await decide(this.card, decision, (word, values) => this.$emit("said", word, values, "bad"));
      // What was typed is not lost with a refusal.
      this.answer = taken ? blank() : kept;
      if (!taken && ASKS[action].length) this.asking = action;
    },
  },
};
