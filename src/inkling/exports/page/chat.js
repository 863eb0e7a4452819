/** The conversation: what is typed goes to the engine in its worker, what comes back is shown. Nothing
 * is kept: a reload begins anew. Text of the model is only ever a text node. */

const byId = (id) => document.getElementById(id);
const carried = (id) => JSON.parse(byId(id).textContent);
const { name: author, sampling } = carried('page');

/** A second click on Send, as of a double click, must not stop the reply. */
const STEADY_MS = 400;

const log = byId('log');
const field = byId('message');
const send = byId('send');
/** What was said, oldest first: {role, text}. */
let turns = [];
/** The reply that is being written: its number, its bubble, what it answers; else null. */
let current = null;
let replies = 0;
let ready = false;
let fresh = false;

const engine = new Worker(URL.createObjectURL(new Blob([byId('engine').textContent], { type: 'text/javascript' })));
engine.onmessage = ({ data }) => {
  if (data.failed) fail(data.failed);
  else if (data.ready) begin();
  else if (current?.number === data.reply) show(data);
};
engine.onerror = (event) => fail(event.message);
engine.postMessage({ load: { model: carried('model'), weights: byId('weights').textContent } });

function begin() {
  ready = true;
  byId('loading').remove();
  update();
}

function fail(reason) {
  byId('loading')?.remove();
  const problem = byId('problem');
  problem.textContent = `The model stopped working (${reason}). Reload the page.`;
  problem.hidden = false;
  ready = false;
  finish('');
}

// -- bubbles ----------------------------------------------------------------------------------------

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function bubble(who, text) {
  const made = element('article', `bubble ${who}`, '');
  made.setAttribute('aria-label', who === 'you' ? 'You' : author);
  const label = element('span', 'who', who === 'you' ? 'You' : author);
  const said = element('p', 'words', text);
  for (const each of [label, said]) each.dir = 'auto';
  made.append(label, said);
  log.append(made);
  follow(true);
  return made;
}

const wordsOf = (made) => made.querySelector('.words');

function note(made, text) {
  if (text) made.append(element('p', 'note', text));
}

/** Keep the newest in sight, unless the reader has scrolled away. */
function follow(always) {
  const left = log.scrollHeight - log.scrollTop - log.clientHeight;
  if (always || left < 120) log.scrollTop = log.scrollHeight;
}

function show({ drafts, ended, text, done }) {
  const made = current.bubble;
  if (done === undefined) {
    const said = wordsOf(made);
    said.classList.toggle('soft', !text);
    said.textContent = text || (drafts > 1 ? `thinking… ${ended} of ${drafts} drafts` : 'thinking…');
    follow(false);
    return;
  }
  finish(done ? done.text : null, done?.unread);
}

/** The reply is complete, or was stopped (null). */
function finish(text, unread = 0) {
  if (!current) return;
  const { bubble: made, message } = current;
  const said = wordsOf(made);
  const stopped = text === null;
  const kept = stopped ? (said.classList.contains('soft') ? '' : said.textContent) : text;
  said.classList.remove('soft');
  said.textContent = kept;
  said.hidden = !kept;
  if (stopped) note(made, 'Stopped.');
  if (unread) {
    const all = [...message].length;
    const read = (all - unread).toLocaleString('en');
    note(made, `Your message is longer than this model can read at once: it read the last ${read} of its ${all.toLocaleString('en')} characters.`);
  }
  turns.push({ role: 'them', text: message });
  if (kept) turns.push({ role: 'me', text: kept });
  byId('announcement').textContent = stopped ? 'Stopped.' : `${author}: ${kept}`;
  current = null;
  follow(false);
  update();
}

// -- what a person does -----------------------------------------------------------------------------

/** Another reply to the same message takes the place of the last one. */
function ask(message) {
  current = { number: ++replies, bubble: bubble('model', 'thinking…'), message };
  wordsOf(current.bubble).classList.add('soft');
  engine.postMessage({ reply: current.number, message, history: turns, settings: chosen() });
  update();
}

function say(message) {
  if (!ready || current || !message.trim()) return;
  byId('starters')?.remove();
  field.value = '';
  fresh = true;
  setTimeout(() => {
    fresh = false;
    update();
  }, STEADY_MS);
  bubble('you', message);
  ask(message);
  field.focus();
}

function again() {
  const last = turns.findLastIndex(({ role }) => role === 'them');
  if (!ready || current || last < 0) return;
  const { text } = turns[last];
  turns = turns.slice(0, last);
  log.lastElementChild.remove();
  ask(text);
  field.focus();
}

function stopReply() {
  if (current) engine.postMessage({ stop: current.number });
}

function clear() {
  stopReply();
  current = null;
  turns = [];
  log.querySelectorAll('.bubble').forEach((each) => each.remove());
  byId('announcement').textContent = 'A new chat.';
  update();
  field.focus();
}

function update() {
  send.textContent = current ? 'Stop' : 'Send';
  send.disabled = current ? fresh : !ready || !field.value.trim();
  byId('again').disabled = !ready || current !== null || turns.length === 0;
  byId('new').disabled = log.querySelector('.bubble') === null;
  for (const starter of document.querySelectorAll('#starters button')) starter.disabled = !ready;
  field.style.height = 'auto';
  field.style.height = `${Math.min(field.scrollHeight + 2, 200)}px`;
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  if (!current) say(field.value);
  else if (!fresh) {
    stopReply();
    field.focus();
  }
});
field.addEventListener('input', update);
field.addEventListener('keydown', (event) => {
  // An input method's Enter chooses a word; in Safari only its key code, 229, still tells.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  say(field.value);
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') stopReply();
});
byId('again').addEventListener('click', again);
byId('new').addEventListener('click', clear);
byId('starters')?.addEventListener('click', ({ target }) => {
  if (target instanceof HTMLButtonElement) say(target.textContent);
});

// -- settings and theme -----------------------------------------------------------------------------

const sliders = [...document.querySelectorAll('input[type=range]')];
/** What was moved. A default of the model may lie between two steps of its slider. */
let changed = {};

const chosen = () => ({ ...sampling, ...changed });

function tell(slider) {
  const { off, digits } = slider.dataset;
  const value = chosen()[slider.name];
  const shown = off !== undefined && value === Number(off) ? 'off' : value.toFixed(Number(digits));
  slider.setAttribute('aria-valuetext', shown);
  byId(`${slider.id}-value`).textContent = shown;
}

for (const slider of sliders) {
  slider.addEventListener('input', () => {
    changed[slider.name] = slider.valueAsNumber;
    tell(slider);
  });
  tell(slider);
}
byId('reset').addEventListener('click', () => {
  changed = {};
  for (const slider of sliders) {
    slider.value = sampling[slider.name];
    tell(slider);
  }
});

const THEMES = ['auto', 'light', 'dark'];
const theme = byId('theme');
theme.addEventListener('click', () => {
  const root = document.documentElement;
  root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  theme.textContent = `Theme: ${root.dataset.theme}`;
});

byId('settings').open = matchMedia('(min-width: 1000px)').matches;
if (!matchMedia('(pointer: coarse)').matches) field.focus({ preventScroll: true });
update();
