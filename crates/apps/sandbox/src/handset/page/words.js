// The API's words and figures, as people read them.

let zone = "UTC";
/** From now on times are told as in this zone. */
export const inZone = (name) => { zone = name; };

const format = (options, at, timeZone = zone) => new Intl.DateTimeFormat("en-US", { ...options, timeZone }).format(new Date(at));
const CLOCK = { hour: "numeric", minute: "2-digit" };
const DAY = { weekday: "short", month: "short", day: "numeric" };

export const clock = (at) => format(CLOCK, at);
export const day = (at) => format(DAY, at);
export const dayAndClock = (at) => `${day(at)}, ${clock(at)}`;
export const clockWithSeconds = (at) => format({ ...CLOCK, second: "2-digit" }, at);
/** On the phone: today's without the day. */
export const phoneTime = (at) => (localDay(at) === localDay(Date.now()) ? clock(at) : dayAndClock(at));

/** The local day as `2026-03-10`, and the minutes since its midnight by the clock on the wall. */
export const localDay = (at) => new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(new Date(at));
export function minuteOfDay(at) {
  const [hour, minute] = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, at).split(":").map(Number);
  return hour * 60 + minute;
}
/** A day of the calendar, whatever the zone. */
export const dayInWords = (localDay) => format({ weekday: "long", month: "long", day: "numeric" }, `${localDay}T12:00:00Z`, "UTC");
export const weekday = (localDay) => format({ weekday: "long" }, `${localDay}T12:00:00Z`, "UTC").toLowerCase();
export function dayFrom(localDay, days) {
  const moved = new Date(`${localDay}T12:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

/** Whole amounts without cents, as the texts have them. */
export function money({ amount_cents: cents, currency }) {
  const digits = cents % 100 === 0 ? 0 : 2;
  const options = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat("en-US", options).format(cents / 100);
}

export function formatPhone(phone) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(phone);
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : phone;
}

/** A word that is not in a table is shown as it is, without its dashes. */
const plain = (word) => String(word).replaceAll(/[-_]/g, " ");
const look = (table, word) => table[word] ?? plain(word);

const ACTS = {
  "ask-job": "asks what is to be done", "ask-which": "asks which one", "list-items": "lists what is sold",
  "state-price": "says the price", "keep-price": "keeps to the price", "ask-when": "asks when",
  offer: "offers free times", "ask-pick": "asks which time", "none-free": "says that nothing is free then",
  "slot-lost": "says that the time is gone", "ask-name": "asks for the name", "ask-address": "asks for the address",
  "ask-confirm": "sums up and asks for a yes", booked: "books", moved: "moves the appointment", cancelled: "cancels",
  kept: "keeps the appointment", "tell-visit": "says when the appointment is", dropped: "lets it be",
  "tell-hours": "says the hours", "tell-place": "says where the business is", "tell-item": "says whether it is done here",
  "tell-who": "says that it is automated, and whose",
  "passed-on": "passes it on to a person", "hand-over": "hands over to a person", emergency: "alerts the business at once",
  "not-understood": "says that it did not understand", thanks: "thanks", "wrong-number": "excuses itself",
  "no-pictures": "says that it sees no pictures", nudge: "reminds of the open question", reminder: "reminds of the appointment",
  confirmed: "takes the yes down",
};
export const act = (word) => look(ACTS, word);

/** What the caller's next answer is about, by what was said last. */
const WAITS = {
  "ask-job": "what is to be done", "list-items": "what is to be done", "ask-which": "which one is meant",
  "ask-when": "when it would suit", "none-free": "another day", offer: "one of the times to be taken", "ask-pick": "one of the times to be taken",
  "slot-lost": "another time", "ask-name": "a name", "ask-address": "an address", "ask-confirm": "a yes to the summary",
  nudge: "an answer to the open question", reminder: "a yes, or another time", "not-understood": "the same in other words",
};
export const waitsFor = (acts) => acts.map((word) => WAITS[word]).findLast((words) => words);

const SAYINGS = {
  emergency: "an emergency", person: "wants a person", "call-me": "wants a call", angry: "is angry",
  "wrong-number": "a wrong number", cancel: "wants to cancel", reschedule: "wants another time", yes: "yes", no: "no",
  "never-mind": "needs nothing any more", later: "will write later", "same-time": "the same time on another day",
  picture: "a picture", thanks: "thanks", greeting: "hello", unclear: "nothing it knows",
};
const QUESTIONS = {
  price: "what it costs", discount: "whether it can be cheaper", hours: "when you are open", place: "where you are",
  "how-long": "how long it takes", who: "who this is", other: "something it does not know",
};
const PICKS = {
  earliest: "the first one", latest: "the last one", any: "any of them", unsure: "one of them, unclear which",
};
const ORDINALS = ["the 1st", "the 2nd", "the 3rd"];

/** Times of an understanding are local ones, without a zone. */
const localClock = (at) => format(CLOCK, `${at}Z`, "UTC");
function windowInWords({ from, until }) {
  const whole = from.endsWith("00:00:00") && until.endsWith("00:00:00");
  const days = format(DAY, `${from}Z`, "UTC");
  return whole ? days : `${days}, ${localClock(from)} to ${localClock(until)}`;
}

function pick(value) {
  if (typeof value === "string") return look(PICKS, value);
  if (value.nth !== undefined) return `takes ${ORDINALS[value.nth] ?? `number ${value.nth + 1}`}`;
  const at = value["day-and-time"] ?? value.day ?? value.time;
  return at ? `takes ${plain(at).replace("T", " ")}` : "takes one";
}

function saying(said) {
  if (typeof said === "string") return look(SAYINGS, said);
  const [[kind, value]] = Object.entries(said);
  switch (kind) {
    case "job": return `job “${value}”`;
    case "name": return `name “${value}”`;
    case "address": return `address “${value}”`;
    case "pick": return pick(value);
    case "shift": return value < 0 ? `${-value} minutes earlier` : `${value} minutes later`;
    case "ask": return typeof value === "string" ? `asks ${look(QUESTIONS, value)}` : "asks whether you do something";
    case "neither": return value.later ? "none of them, later" : value.earlier ? "none of them, earlier" : "none of them";
    case "when": return [...(value.asap ? ["as soon as possible"] : []), ...value.windows.map(windowInWords)].join(" or ");
    default: return plain(kind);
  }
}

export const understood = (understanding) => (understanding?.sayings ?? []).map(saying).join("; ");

/** By what a text was understood: a word, or an object that says which model, or why none. */
export function understoodBy(understanding) {
  const by = understanding?.by ?? understanding;
  if (by === "model") {
    const after = understanding.took_ms === undefined ? "" : ` in ${understanding.took_ms} ms`;
    return `the language model ${understanding.model ?? ""}${after}`.trim();
  }
  const instead = understanding?.instead_of ? `, as the model gave no answer (${plain(understanding.because ?? "")})` : "";
  return `fixed rules${instead}`;
}

const STATES = {
  open: "Automation", human: "A person", closed: "Ended", blocked: "No texts yet",
};
export const state = (word) => look(STATES, word);
const CLOSED = {
  "opt-out": "The caller wants no more texts (STOP). None goes out any more.",
  user: "A person of the business has ended it.", inactivity: "Nobody wrote for a while.",
};
export const closedBecause = (word) => look(CLOSED, word ?? "inactivity");

const AUTHORS = { caller: "Caller", automation: "Automation", user: "A person of the business", system: "Automation" };
export const author = (word) => look(AUTHORS, word);
const STATUSES = {
  pending: "on its way", queued: "with Twilio", sent: "with the carrier", delivered: "delivered", failed: "not delivered",
  received: "received",
};
export const status = (word) => look(STATUSES, word);
/** Twilio's codes that somebody who tries this out meets. */
const FAILURES = {
  21610: "Twilio lets nothing through after STOP, and confirms it to the caller itself",
  30004: "the caller's phone refuses it", 30006: "a landline", 30007: "a carrier took it for spam",
};
export const failure = ({ error_code: code, failure: word }) => FAILURES[code] ?? (word ? plain(word) : `error ${code ?? "unknown"}`);

const TASKS = {
  "call-back": "Call back", reply: "Answer", unanswered: "Unanswered", emergency: "Emergency", "not-sent": "Not sent",
  setup: "Set up", check: "Look at",
};
export const task = (word) => look(TASKS, word);

/** What an event of the live stream says. */
const EVENTS = {
  "conversation.ConversationStarted": ({ caller_phone: phone }) => `A conversation with ${formatPhone(phone)} begins`,
  "conversation.MessageSent": ({ direction, author: by }) =>
    (direction === "in" ? "A text came in" : by === "user" ? "A person's text went out" : "An automatic text went out"),
  "conversation.DeliveryUpdated": ({ status: word }) => `A text is ${status(word)}`,
  "conversation.HumanTakeoverRequested": ({ reason }) => `A person has a conversation (${plain(reason)})`,
  "conversation.ConversationReleased": () => "The automation has a conversation again",
  "conversation.ConversationUnblocked": () => "A conversation may go on",
  "conversation.ConversationClosed": ({ reason }) => `A conversation ended (${plain(reason)})`,
  "conversation.TaskRaised": ({ kind }) => `A task: ${task(kind).toLowerCase()}`,
  "conversation.TaskDone": ({ kind }) => `Done: ${task(kind).toLowerCase()}`,
  "scheduling.AppointmentHeld": ({ start }) => `Held: ${dayAndClock(start)}`,
  "scheduling.AppointmentReleased": ({ start, reason }) => `Free again: ${dayAndClock(start)} (${plain(reason)})`,
  "scheduling.AppointmentBooked": ({ start, price }) => `Booked: ${dayAndClock(start)} for ${money(price)}`,
  "scheduling.AppointmentRescheduled": ({ new_start: start }) => `Moved to ${dayAndClock(start)}`,
  "scheduling.AppointmentCancelled": ({ start }) => `Cancelled: ${dayAndClock(start)}`,
  "scheduling.AppointmentCompleted": () => "A job was done",
  "scheduling.AppointmentNoShow": () => "A customer was not there",
  "scheduling.CalendarConflictDetected": () => "Two calendars contradict each other",
  "scheduling.CalendarBroken": () => "A calendar cannot be read",
};
export const EVENT_NAMES = Object.keys(EVENTS).map((name) => `nmc.${name}`);
export const event = (name, payload) => EVENTS[name.slice("nmc.".length)](payload);
