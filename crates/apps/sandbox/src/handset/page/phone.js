// The caller's phone.

import { ask, listen } from "./ask.js";
import { byId, element, say, show } from "./element.js";
import { formatPhone, phoneTime } from "./words.js";

const PICTURES_MAX = 10;

export class Phone {
  #caller = null;
  #close = () => {};
  #entries = null;
  #heard = new Map();
  #pictures = 0;
  #tell;

  constructor(about, tell) {
    this.#tell = tell;
    byId("contact-name").textContent = about.business;
    byId("contact-number").textContent = formatPhone(about.number);
    byId("ring").addEventListener("click", () => this.#ring());
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#text();
    });
    const words = byId("words");
    words.addEventListener("input", () => this.#ready());
    words.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#text();
    });
    byId("attach").addEventListener("click", () => this.#attach(Math.min(this.#pictures + 1, PICTURES_MAX)));
    byId("detach").addEventListener("click", () => this.#attach(0));
  }

  /** Becomes another caller's phone. */
  choose(caller) {
    this.#close();
    this.#caller = caller;
    this.#entries = null;
    this.draw();
    byId("ring").disabled = false;
    say(byId("unsent"), null);
    this.#ready();
    const address = () => `/phone/stream?caller=${encodeURIComponent(caller.phone)}`;
    this.#close = listen(address, ["screen"], (name, event) => {
      this.#tell.outage("phone", null);
      if (name !== "screen") return;
      this.#entries = JSON.parse(event.data);
      this.draw();
    }, (why) => this.#tell.outage("phone", why));
  }

  async #ring() {
    const button = byId("ring");
    const caller = this.#caller;
    button.disabled = true;
    byId("ring-words").textContent = "Ringing…";
    try {
      const before = new Set((this.#entries ?? []).map(({ id }) => id));
      const rung = await ask("/phone/calls", { caller: caller.phone });
      const call = (this.#entries ?? []).findLast(({ kind, id }) => kind === "call" && !before.has(id));
      this.#heard.set(call?.id ?? "next", rung.heard.join(" "));
      say(byId("unsent"), rung.answered ? null : "The business's server did not answer the call.");
      if (caller === this.#caller) this.draw();
    } catch (error) {
      say(byId("unsent"), `The call did not go through. ${error.message}`);
    }
    byId("ring-words").textContent = "Call";
    button.disabled = false;
  }

  async #text() {
    const words = byId("words");
    const body = words.value.trim();
    if (!body && !this.#pictures) return;
    const pictures = this.#pictures;
    words.value = "";
    this.#attach(0);
    say(byId("unsent"), null);
    try {
      const texted = await ask("/phone/texts", { caller: this.#caller.phone, body, pictures });
      if (!texted.answered) say(byId("unsent"), "The business's server did not answer; it finds this text later.");
    } catch (error) {
      words.value = body;
      this.#attach(pictures);
      say(byId("unsent"), `The text was not sent. ${error.message}`);
    }
    this.#ready();
  }

  #attach(pictures) {
    this.#pictures = pictures;
    byId("attached").hidden = pictures === 0;
    byId("attached-words").textContent = pictures === 1 ? "1 picture" : `${pictures} pictures`;
    this.#ready();
  }

  #ready() {
    byId("send").disabled = !byId("words").value.trim() && !this.#pictures;
  }

  /** Shows what is on the phone. */
  draw() {
    const thread = byId("thread");
    const entries = this.#entries;
    if (entries === null) {
      show(thread, [element("li", { class: "empty" }, "Loading…")]);
      return;
    }
    const texts = entries.filter(({ kind }) => kind === "text");
    this.#tell.hints({
      rang: entries.some(({ kind }) => kind === "call"),
      read: texts.some((text) => !text.is_own),
      answered: texts.some((text) => text.is_own),
    });
    if (entries.length === 0) {
      show(thread, [element("li", { class: "empty" },
        element("b", {}, "Nothing here yet."), " Press Call: nobody at the business will pick up.")]);
      return;
    }
    // The call came to be shown before its answer did, or after.
    const last = entries.findLast(({ kind }) => kind === "call");
    if (last && this.#heard.has("next") && !this.#heard.has(last.id)) {
      this.#heard.set(last.id, this.#heard.get("next"));
      this.#heard.delete("next");
    }
    const isAtEnd = thread.scrollTop + thread.clientHeight >= thread.scrollHeight - 40;
    const isNew = show(thread, entries.map((entry) => this.#bubble(entry)));
    if (isNew && isAtEnd) thread.scrollTop = thread.scrollHeight;
  }

  #bubble(entry) {
    const time = element("time", { dateTime: entry.at }, phoneTime(entry.at));
    if (entry.kind === "call") {
      const heard = this.#heard.get(entry.id);
      return element("li", { class: "call" },
        element("p", {}, element("b", {}, "You called. "), "Nobody picked up. ", time),
        heard && element("p", { class: "heard" }, `You heard: “${heard}”`));
    }
    const pictures = entry.pictures === 1 ? "1 picture" : `${entry.pictures} pictures`;
    return element("li", { class: entry.is_own ? "bubble is-own" : "bubble" },
      element("span", { class: "unseen" }, entry.is_own ? "You: " : "The business: "),
      entry.body && element("p", {}, entry.body),
      entry.pictures > 0 && element("p", { class: "pictures" }, pictures),
      time);
  }
}
