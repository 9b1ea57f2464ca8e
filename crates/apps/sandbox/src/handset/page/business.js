// What the business sees: its API, read anew whenever its live stream says that something happened.

import { ask, listen } from "./ask.js";
import { Calendar } from "./calendar.js";
import { byId, element, say, show } from "./element.js";
import * as words from "./words.js";

/** As many rows as the API gives at once. */
const LIMIT = 200;
const MESSAGES_MAX = 50;
const EVENTS_MAX = 40;
const DAY_MILLIS = 24 * 60 * 60 * 1000;
/** Events come in bursts: one reading for all of them. */
const SETTLE_MILLIS = 60;
/** After a reading that failed. */
const PAUSE_MILLIS = 1000;

export class Business {
  #caller = null;
  #calendar = new Calendar();
  #events = [];
  #last = null;
  #conversation = null;
  #whys = new Map();
  #reading = false;
  #again = false;
  #fixed = null;
  #tell;
  /** The text that is being written, so that sending it twice is one text. */
  #draft = crypto.randomUUID();

  constructor(tell) {
    this.#tell = tell;
    byId("take").addEventListener("click", () => this.#change("takeover"));
    byId("give").addEventListener("click", () => this.#change("release"));
    byId("answer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#write();
    });
    byId("answer-words").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#write();
    });
    this.#drawEvents();
    const address = () => (this.#last ? `/business/stream?after=${encodeURIComponent(this.#last)}` : "/business/stream");
    listen(address, ["ready", "reset", ...words.EVENT_NAMES], (name, event) => this.#heard(name, event), (why) => this.#away(why));
  }

  choose(caller) {
    this.#caller = caller;
    this.#calendar.forget();
    say(byId("refused"), null);
    this.#read();
  }

  #heard(name, event) {
    if (event.lastEventId) this.#last = event.lastEventId;
    if (name.startsWith("nmc.")) {
      const { occurred_at: at, payload } = JSON.parse(event.data);
      // Texts coming and going are seen elsewhere.
      const isNews = !name.endsWith(".MessageSent") && !name.endsWith(".DeliveryUpdated");
      this.#events = [{ at, words: words.event(name, payload), isNews }, ...this.#events].slice(0, EVENTS_MAX);
      this.#drawEvents();
      this.#tell.news();
    }
    this.#read();
  }

  #away(error) {
    const live = byId("live");
    live.textContent = "Not connected";
    live.classList.remove("is-live");
    this.#tell.outage("business", error);
  }

  /** Reads everything there is to see, one reading at a time. */
  async #read() {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      await new Promise((resume) => setTimeout(resume, SETTLE_MILLIS));
      this.#again = false;
      const caller = this.#caller;
      if (!caller) break;
      try {
        const seen = await this.#see(caller);
        this.#tell.outage("business", null);
        if (caller === this.#caller) this.#draw(seen);
      } catch (error) {
        this.#away(error);
        await new Promise((resume) => setTimeout(resume, PAUSE_MILLIS));
        this.#again = true;
      }
    } while (this.#again);
    this.#reading = false;
  }

  async #see(caller) {
    if (!this.#fixed) {
      this.#fixed = await fixed();
      this.#tell.zoned();
    }
    const since = encodeURIComponent(new Date(Date.now() - DAY_MILLIS).toISOString());
    const [conversations, appointments, holds, tasks] = await Promise.all([
      ask(`/business/conversations?limit=1&caller_phone=${encodeURIComponent(caller.phone)}`),
      ask(`/business/scheduling/appointments?limit=${LIMIT}&from=${since}`),
      ask(`/business/scheduling/holds?limit=${LIMIT}`),
      ask(`/business/tasks?limit=${LIMIT}`),
    ]);
    const conversation = conversations.items[0] ?? null;
    const messages = conversation
      ? (await ask(`/business/conversations/${conversation.id}/messages?limit=${MESSAGES_MAX}`)).items.reverse()
      : [];
    const unexplained = messages.filter(({ id, direction }) => direction === "out" && !this.#whys.has(id));
    await Promise.all(unexplained.map(async ({ id }) => this.#whys.set(id, (await ask(`/business/messages/${id}/why`)).why)));
    return {
      ...this.#fixed,
      conversation,
      messages,
      appointments: appointments.items.filter(({ status }) => status === "booked" || status === "completed"),
      holds: holds.items,
      tasks: tasks.items,
    };
  }

  #draw(seen) {
    const { tenant, conversation, messages, appointments, holds } = seen;
    this.#conversation = conversation;
    byId("business-name").textContent = tenant.name;
    byId("zone").textContent = ` Times: ${tenant.time_zone.replaceAll("_", " ")}.`;
    const live = byId("live");
    live.textContent = "Live";
    live.classList.add("is-live");
    const isOwn = ({ conversation_id: id }) => conversation !== null && id === conversation.id;
    const own = appointments.filter(isOwn);
    const ownHold = holds.find(isOwn);
    const thought = messages.map(({ id }) => this.#whys.get(id)).findLast((why) => why?.acts);
    const isOpen = conversation?.state === "open" && !own.length && !ownHold;
    const offers = (isOpen && thought?.offers) || [];
    this.#drawFigures(seen, own);
    this.#drawConversation(seen, { own, ownHold, thought, offers });
    const offered = offers.map((offer) => ({ ...offer, service_item_id: thought.item }));
    this.#calendar.draw({ ...seen, offers: offered, focus: own.at(-1)?.start ?? ownHold?.start ?? offers[0]?.start });
    const tasks = seen.tasks.map((task) => this.#task(task));
    show(byId("tasks"), tasks.length ? tasks : [element("li", { class: "empty" }, "Nobody has anything to do.")]);
    for (const button of byId("tasks").querySelectorAll("button")) button.onclick = () => this.#tick(button);
  }

  #drawFigures({ appointments, tasks, items }, own) {
    const currency = [...items.values()][0]?.price.currency ?? "USD";
    const fromCalls = appointments.filter(({ booked_by: by, conversation_id: id }) => id && by === "automation");
    const figure = (name, value, isGood) => element("div", { class: isGood ? "is-good" : "" }, element("dt", {}, name), element("dd", {}, value));
    show(byId("figures"), [
      figure("Booked by this call", sum(own, currency), own.length > 0),
      figure("Booked by all missed calls", sum(fromCalls, currency), false),
      figure("Open tasks", String(tasks.length), false),
    ]);
  }

  #drawConversation({ conversation, messages, items }, { own, ownHold, thought, offers }) {
    byId("conversation-title").textContent = this.#caller.name;
    byId("conversation-number").textContent = words.formatPhone(this.#caller.phone);
    const who = byId("who");
    who.hidden = !conversation;
    byId("take").hidden = conversation?.state !== "open";
    byId("give").hidden = conversation?.state !== "human";
    byId("answer").hidden = !conversation || !["open", "human"].includes(conversation.state);
    byId("answer-words").placeholder = conversation?.state === "human" ? "Text as a person" : "This takes the conversation over";
    if (!conversation) {
      show(byId("dialogue"), [element("p", { class: "empty" }, "No conversation yet. It begins with the missed call.")]);
      show(byId("messages"), []);
      return;
    }
    show(who, [element("span", { class: "unseen" }, "Who answers: "), words.state(conversation.state)]);
    who.className = `who is-${conversation.state}`;
    const facts = [];
    const fact = (name, value) => facts.push(element("dt", {}, name), element("dd", {}, value));
    const item = items.get(thought?.item);
    fact("Now", now(conversation, thought, own));
    if (item && conversation.state !== "closed") fact("Job", `${item.name}, ${words.money(item.price)}`);
    if (offers.length) fact("Offered", offers.map(({ start }) => words.dayAndClock(start)).join("; "));
    if (ownHold) fact("Held", `${words.dayAndClock(ownHold.start)}, until ${words.clock(ownHold.expires_at)}`);
    for (const appointment of own) {
      const details = [words.dayAndClock(appointment.start), words.money(appointment.price), appointment.customer_name, appointment.address];
      fact("Booked", details.filter(Boolean).join(", "));
    }
    show(byId("dialogue"), [element("dl", { class: "facts" }, facts)]);
    const list = byId("messages");
    const isNew = show(list, messages.map((message) => this.#message(message)));
    if (isNew) list.scrollTop = list.scrollHeight;
  }

  #message(message) {
    const why = this.#whys.get(message.id);
    const pictures = message.media_count > 0 ? ` [${message.media_count === 1 ? "1 picture" : `${message.media_count} pictures`}]` : "";
    return element("li", { class: `message is-${message.author}` },
      element("p", { class: "by" },
        element("b", {}, words.author(message.author)), " ",
        element("time", { dateTime: message.created_at }, words.clock(message.created_at)),
        message.direction === "out" && ` · ${words.status(message.status)}`,
        message.status === "failed" && `: ${words.failure(message)}`),
      element("p", { class: "body" }, `${message.body}${pictures}`),
      message.direction === "out" && why && explain(why));
  }

  #task(task) {
    return element("li", { class: task.kind === "emergency" ? "is-urgent" : "" },
      element("p", {}, element("b", {}, `${words.task(task.kind)}: `), task.text,
        task.caller_phone && element("span", {}, ` ${words.formatPhone(task.caller_phone)}`)),
      element("button", { type: "button", class: "quiet", "data-task": task.id }, "Done"));
  }

  async #tick(button) {
    button.disabled = true;
    await this.#act(() => ask(`/business/tasks/${button.dataset.task}/done`, null));
    button.disabled = false;
  }

  async #change(how) {
    await this.#act(() => ask(`/business/conversations/${this.#conversation.id}/${how}`, null));
  }

  async #write() {
    const field = byId("answer-words");
    const body = field.value.trim();
    if (!body || !this.#conversation) return;
    const request = { body, client_dedup_key: this.#draft };
    await this.#act(async () => {
      await ask(`/business/conversations/${this.#conversation.id}/messages`, request);
      field.value = "";
      this.#draft = crypto.randomUUID();
    });
  }

  async #act(work) {
    say(byId("refused"), null);
    try {
      await work();
    } catch (error) {
      say(byId("refused"), error.message);
    }
    this.#read();
  }

  #drawEvents() {
    const rows = this.#events.map(({ at, words: text }) => element("li", {},
      element("time", { dateTime: at }, words.clockWithSeconds(at)), " ", text));
    byId("latest").textContent = this.#events.find(({ isNews }) => isNews)?.words ?? "";
    show(byId("events"), rows.length ? rows : [element("li", { class: "empty" }, "Nothing since this page was opened.")]);
  }
}

/** What does not change while the page is open. */
async function fixed() {
  const [tenant, resources, items] = await Promise.all([
    ask("/business/tenant"),
    ask(`/business/scheduling/resources?limit=${LIMIT}`),
    ask(`/business/catalog/items?limit=${LIMIT}`),
  ]);
  words.inZone(tenant.time_zone);
  return {
    tenant,
    resources: resources.items.filter(({ active }) => active),
    items: new Map(items.items.map((item) => [item.id, item])),
  };
}

/** What the business earns by these, in its currency. */
function sum(appointments, currency) {
  const own = appointments.filter(({ price }) => price.currency === currency);
  return words.money({ amount_cents: own.reduce((all, { price }) => all + price.amount_cents, 0), currency });
}

/** The dialogue's state, in words. */
function now(conversation, thought, own) {
  if (conversation.state === "closed") return words.closedBecause(conversation.closed_reason);
  if (conversation.state === "blocked") return "No text may go out yet.";
  if (conversation.state === "human") {
    return conversation.waiting_since ? "The caller waits for a person; the automation is silent." : "The automation is silent.";
  }
  if (conversation.waiting_since) return "The caller has written; the answer comes when they pause.";
  const awaited = thought && words.waitsFor(thought.acts);
  if (awaited) return `Waits for ${awaited}.`;
  return own.length ? "Booked; nothing is open." : "Waits for the caller.";
}

/** Why an automatic text was written. */
function explain(why) {
  if (why.acts) {
    const heard = words.understood(why.understood);
    return element("p", { class: "why" },
      element("b", {}, "Why: "), heard ? `understood ${heard}` : "nothing to understand",
      element("span", { class: "arrow" }, " → "), why.acts.map(words.act).join(", "),
      why.handed_over && ` (${String(why.handed_over).replaceAll("-", " ")})`,
      why.understanding && element("span", { class: "method" }, ` · read by ${words.understoodBy(why.understanding)}`));
  }
  if (why.contact) return element("p", { class: "why" }, element("b", {}, "Why: "), why.contact === "call" ? "a missed call" : "a first text");
  if (why.keyword_of) return element("p", { class: "why" }, element("b", {}, "Why: "), "a keyword that the law wants answered");
  if (why.written_by) return element("p", { class: "why" }, element("b", {}, "Why: "), why.took_over ? "a person took over by writing" : "a person wrote it");
  return null;
}
