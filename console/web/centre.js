// The command centre: header, tabs, keyboard, sound, and which part is shown. NiceGUI serves and mounts it.
import { decide, idle, on, shown, stale, start, state } from "./feed.js";
import Pulse from "./pulse.js";
import Queue from "./queue.js";
import { kindName, me as user, named, placeOf, serverNow, setup, t, timeOf } from "./words.js";

// What the first view can do without. It is fetched when it is opened, and otherwise as soon as nothing else is to do,
// so that it is there when the server is not.
const PARTS = {
  incident: () => import("./incident.js"),
  map: () => import("./map.js"),
  people: () => import("./people.js"),
  trends: () => import("./trends.js"),
};
const part = (name, which = "default", first = null) =>
  Vue.defineAsyncComponent(async () => {
    await first;
    return (await PARTS[name]())[which];
  });
const Incident = part("incident");
const SituationMap = part("map", "default", shown);
const Trends = part("trends");
const [Audit, Duty] = [part("people", "Audit"), part("people", "Duty")];

const kept = (name, otherwise) => localStorage.getItem(`siaga-${name}`) ?? otherwise;
const keep = (name, value) => localStorage.setItem(`siaga-${name}`, value);

export default {
  components: { Audit, Duty, Incident, Pulse, Queue, SituationMap, Trends },
  template: `
  <div class="centre" :class="{ aside: incident, stale: why }">
    <a class="skip" href="#queue" @click.prevent="$refs.queue?.move(0)">{{ t('skip') }}</a>
    <header class="top">
      <h1><img src="/static/mark.svg" alt="" width="28" height="28"><span>Siaga</span></h1>
      <nav :aria-label="t('title')">
        <a v-for="tab in tabs" :key="tab" :href="'#/' + tab" :aria-current="view === tab ? 'page' : null">{{ t(tab) }}</a>
      </nav>
      <p class="stage" v-if="state.pulse && state.pulse.stage">{{ named('g', state.pulse.stage) }}</p>
      <p :class="['health', { bad: why }]"><i aria-hidden="true"></i>{{ why ? t('stale') : t('live') }}</p>
      <time class="clock">{{ timeOf(now()) }}<small> WIB</small></time>
      <span class="tools">
        <button @click="sound = !sound" :aria-pressed="sound" :title="t(sound ? 'sound_on' : 'sound_off')" :aria-label="t('sound_on')"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9z"/><path v-if="sound" d="M16.5 8.5a5 5 0 0 1 0 7M19 6a8.5 8.5 0 0 1 0 12"/><path v-else d="m17 9.5 5 5m0-5-5 5"/></svg></button>
        <button @click="dark = !dark" :aria-pressed="dark" :title="t('theme')" :aria-label="t('theme')"><svg viewBox="0 0 24 24" aria-hidden="true"><path v-if="dark" d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"/><template v-else><circle cx="12" cy="12" r="4.5"/><path d="M12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.5 1.5m11 11L19 19M5 19l1.5-1.5m11-11L19 5"/></template></svg></button>
        <button @click="wall = !wall" :aria-pressed="wall" :title="t('wall')" :aria-label="t('wall')" class="wide-only"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5"/></svg></button>
        <button @click="help = !help" :title="t('help') + ' (?)'" :aria-label="t('help')" class="wide-only">?</button>
        <a :href="'/?language=' + other" :lang="other" class="language">{{ t('language') }}</a>
      </span>
      <form method="post" action="/logout" class="me"><input type="hidden" name="csrf" :value="me.csrf">
        <span>{{ t('signed_in_as', { name: me.name, role: named('role', me.role) }) }}</span><button>{{ t('sign_out') }}</button></form>
    </header>
    <p v-if="why" class="alarm-bar" role="alert">{{ t('stale') }} · {{ t(why[0], { s: why[1] }) }}</p>
    <pulse :chosen="severities" @severity="toggle"></pulse>
    <main :class="'view-' + view">
      <template v-if="view === 'situation'">
        <div class="switch" role="group"><button :aria-pressed="!mapFirst" @click="mapFirst = false">{{ t('list') }}</button><button :aria-pressed="mapFirst" @click="mapFirst = true">{{ t('map') }}</button></div>
        <queue ref="queue" id="queue" :class="{ behind: mapFirst }" :chosen="incident" :severities="severities" @severities="severities = $event"></queue>
        <situation-map :class="{ behind: !mapFirst }" :chosen="incident" :severities="severities" :dark="dark"></situation-map>
      </template>
      <trends v-else-if="view === 'trends'"></trends>
      <duty v-else-if="view === 'duty'"></duty>
      <audit v-else-if="view === 'audit'"></audit>
    </main>
    <incident v-if="incident" :id="incident" :language="language" @close="close" @said="say"></incident>
    <div class="toasts" role="status" aria-live="polite"><p v-for="toast in toasts" :key="toast.id" :class="toast.kind">{{ toast.text }}</p></div>
    <div class="unseen" aria-live="assertive">{{ spoken }}</div>
    <div v-if="help" class="veil" @click.self="help = false"><section class="help" role="dialog" aria-modal="true" :aria-label="t('help')">
      <h2>{{ t('help') }}</h2>
      <dl><template v-for="[key, word] in keys" :key="key"><dt><kbd>{{ key }}</kbd></dt><dd>{{ t(word) }}</dd></template></dl>
      <button ref="shut" @click="help = false">{{ t('close') }}</button></section></div>
  </div>`,
  props: { words: Object, kinds: Object, me: Object, language: String },
  data() {
    const preferred = window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
    return {
      state, severities: [], toasts: [], spoken: "", help: false, hash: window.location.hash, mapFirst: false,
      dark: kept("theme", preferred) === "dark", sound: kept("sound", "on") === "on", wall: kept("wall", "off") === "on",
      keys: [["J K ↑ ↓", "k_move"], ["Enter", "k_open"], ["A", "k_ack"], ["1–5", "k_filter"], ["/", "k_search"], ["Esc", "k_close"], ["?", "k_help"]],
    };
  },
  created() {
    setup(this.words, this.kinds, this.me, this.language);
    start(this.me);
  },
  mounted() {
    window.addEventListener("hashchange", () => (this.hash = window.location.hash));
    window.addEventListener("keydown", (event) => this.key(event));
    on("announced", (card) => this.announce(card));
    document.documentElement.lang = this.language;
    this.look();
    shown.then(async () => {
      for (const fetchPart of Object.values(PARTS)) await idle().then(fetchPart).catch(() => {});
    });
  },
  computed: {
    why: () => stale.value,
    other() {
      return this.language === "id" ? "en" : "id";
    },
    tabs() {
      return ["situation", "trends", "duty", ...(["auditor", "admin"].includes(this.me.role) ? ["audit"] : [])];
    },
    incident() {
      return /^#\/incident\/([0-9a-f-]{36})$/.exec(this.hash)?.[1] ?? null;
    },
    view() {
      const asked = this.hash.replace("#/", "");
      if (this.incident) return this.before ?? "situation";
      return (this.before = this.tabs.includes(asked) ? asked : "situation");
    },
    title() {
      return `${state.unread ? `(${state.unread}) ` : ""}${t("title")}`;
    },
  },
  watch: {
    title: { immediate: true, handler: (value) => (document.title = value) },
    dark: "look",
    wall: "look",
    sound: (value) => keep("sound", value ? "on" : "off"),
    help(value) {
      if (value) this.$nextTick(() => this.$refs.shut.focus());
    },
  },
  methods: {
    t, named, timeOf, placeOf,
    now: serverNow,
    look() {
      document.documentElement.dataset.theme = this.dark ? "dark" : "light";
      document.documentElement.toggleAttribute("data-wall", this.wall);
      keep("theme", this.dark ? "dark" : "light");
      keep("wall", this.wall ? "on" : "off");
    },
    toggle(severity) {
      this.severities = this.severities.includes(severity)
        ? this.severities.filter((s) => s !== severity)
        : [...this.severities, severity];
    },
    close() {
      const id = this.incident;
      window.location.hash = `#/${this.before ?? "situation"}`;
      this.$nextTick(() => document.querySelector(`[data-id="${id}"]`)?.focus());
    },
    say(word, values = {}, kind = "good") {
      const toast = { id: Math.random(), text: t(word, values), kind };
      this.toasts = [...this.toasts.slice(-3), toast];
      setTimeout(() => (this.toasts = this.toasts.filter((other) => other !== toast)), 7000);
    },
    announce(card) {
      this.spoken = t("new_incident", { sev: card.severity, kind: kindName(card.kind), place: placeOf(card) });
      if (this.sound && card.severity <= 3 && !card.drill) beep(card.severity);
    },
    key(event) {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key === "Escape") {
        if (this.help) this.help = false;
        else if (typing) event.target.blur();
        else if (this.incident) this.close();
        return;
      }
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      const queue = this.$refs.queue;
      const does = {
        j: () => queue?.move(1), ArrowDown: () => queue?.move(1), k: () => queue?.move(-1), ArrowUp: () => queue?.move(-1),
        "/": () => queue?.focusSearch(), "?": () => (this.help = !this.help), a: () => this.take(queue),
      }[event.key];
      if (/^[1-5]$/.test(event.key)) this.toggle(Number(event.key));
      else if (!does || (event.key.startsWith("Arrow") && !queue?.focused())) return;
      else does();
      event.preventDefault();
    },
    take(queue) {
      const card = state.cards.get(this.incident ?? queue?.focused());
      if (card?.state === "open" && user.may_act && !state.pending.has(card.incident_id))
        decide(card, { action: "acknowledge" }, (word, values) => this.say(word, values, "bad"));
    },
  },
};

let audio = null;
// Two tones, higher and longer the graver; a browser allows it once somebody has touched the page.
function beep(severity) {
  try {
    audio ??= new AudioContext();
    const pitch = { 1: [880, 1175, 880, 1175], 2: [784, 988], 3: [659] }[severity] ?? [659];
    pitch.forEach((frequency, index) => {
      const [tone, loud] = [audio.createOscillator(), audio.createGain()];
      const at = audio.currentTime + index * 0.22;
      tone.frequency.value = frequency;
      loud.gain.setValueAtTime(0.0001, at);
      loud.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
      tone.connect(loud).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.21);
    });
  } catch { /* no sound here: colour and title remain */ }
}
