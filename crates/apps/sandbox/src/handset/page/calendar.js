// One day of everybody who can be booked: at work or not, what is offered, held and booked.

import { byId, element } from "./element.js";
import { clock, day, dayFrom, dayInWords, formatPhone, localDay, minuteOfDay, money, weekday } from "./words.js";

const HOUR_PIXELS = 48;
const DAY_MINUTES = 24 * 60;
/** What is shown of a day on which nobody works. */
const DEFAULT_HOURS = [8, 17];

const minutes = (time) => {
  const [hour, minute] = time.split(":").map(Number);
  return hour * 60 + minute;
};
const hourInWords = (hour) => `${hour % 12 || 12} ${hour % 24 < 12 ? "AM" : "PM"}`;

export class Calendar {
  #day = null;
  #isChosen = false;
  #world = null;

  constructor() {
    byId("day-before").addEventListener("click", () => this.#step(-1));
    byId("day-after").addEventListener("click", () => this.#step(1));
  }

  /** Another caller: their day is looked for anew. */
  forget() {
    this.#isChosen = false;
    this.#day = null;
  }

  /**
   * `focus` is the time that matters now; the calendar goes to its day, until somebody leafs through it. A new focus
   * takes it along again.
   */
  draw(world) {
    if (world.focus && world.focus !== this.#world?.focus) this.#isChosen = false;
    this.#world = world;
    if (!this.#isChosen) this.#day = localDay(world.focus ?? Date.now());
    this.#draw();
  }

  #step(days) {
    if (!this.#world) return;
    this.#isChosen = true;
    this.#day = dayFrom(this.#day, days);
    this.#draw();
  }

  #draw() {
    const { resources, items, appointments, holds, offers } = this.#world;
    const isToday = (start) => localDay(start) === this.#day;
    const blocks = [
      ...offers.filter((offer) => isToday(offer.start) && !this.#isTaken(offer)).map((offer) => ({ ...offer, kind: "offered" })),
      ...holds.filter(({ start }) => isToday(start)).map((hold) => ({ ...hold, kind: "held" })),
      ...appointments.filter(({ start }) => isToday(start)).map((appointment) => ({ ...appointment, kind: "booked" })),
    ];
    const open = (resource) => resource.weekly_hours[weekday(this.#day)].map(({ opens, closes }) => [minutes(opens), minutes(closes) || DAY_MINUTES]);
    const edges = [
      ...resources.flatMap(open).flat(),
      ...blocks.flatMap(({ start, end }) => [minuteOfDay(start), minuteOfDay(end)]),
    ];
    const first = edges.length ? Math.floor(Math.min(...edges) / 60) : DEFAULT_HOURS[0];
    const last = edges.length ? Math.ceil(Math.max(...edges) / 60) : DEFAULT_HOURS[1];
    const at = (minute) => `${((minute - first * 60) / 60) * HOUR_PIXELS}px`;
    const place = (made, from, until) => {
      made.style.top = at(from);
      made.style.height = `${((until - from) / 60) * HOUR_PIXELS}px`;
      return made;
    };
    const hours = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const lines = () => hours.slice(1, -1).map((hour) => place(element("i", { class: "line", "aria-hidden": "true" }), hour * 60, hour * 60));
    const scale = element("div", { class: "scale", "aria-hidden": "true" },
      hours.slice(0, -1).map((hour) => place(element("span", {}, hourInWords(hour)), hour * 60, hour * 60)));
    const lanes = resources.map((resource) => {
      const own = beside(blocks.filter(({ resource_id: id }) => id === resource.id));
      const closed = gaps(open(resource), first * 60, last * 60)
        .map(([from, until]) => place(element("i", { class: "closed", "aria-hidden": "true" }), from, until));
      const list = element("ul", { "aria-label": `${resource.name}'s ${dayInWords(this.#day)}` }, own.map((block) => {
        const made = place(this.#block(block, items), minuteOfDay(block.start), minuteOfDay(block.end) || DAY_MINUTES);
        made.style.left = `${(block.column / block.columns) * 100}%`;
        made.style.width = `${100 / block.columns}%`;
        return made;
      }));
      const lane = element("div", { class: "lane" }, lines(), closed, list);
      lane.style.height = `${(last - first) * HOUR_PIXELS}px`;
      return element("div", { class: "resource" }, element("h4", {}, resource.name), lane);
    });
    byId("calendar-title").textContent = dayInWords(this.#day);
    byId("calendar").replaceChildren(resources.length
      ? element("div", { class: "lanes" }, scale, lanes)
      : element("p", { class: "empty" }, "Nobody can be booked."));
  }

  #isTaken({ resource_id: id, start }) {
    const { appointments, holds } = this.#world;
    return [...appointments, ...holds].some((other) => other.resource_id === id && other.start === start);
  }

  #block(block, items) {
    const item = items.get(block.service_item_id);
    const price = block.price ?? item?.price;
    const isNarrow = block.columns > 1;
    const what = [price && money(price), !isNarrow && item?.name].filter(Boolean).join(" ");
    const whose = {
      offered: "offered", held: `held until ${block.expires_at && clock(block.expires_at)}`,
      booked: block.customer_name ?? formatPhone(block.customer_phone ?? ""),
    }[block.kind];
    const title = `${day(block.start)}, ${clock(block.start)} to ${clock(block.end)}: ${what}, ${whose}`;
    return element("li", { class: "slot" }, element("div", { class: `block is-${block.kind}`, title },
      element("b", {}, isNarrow ? clock(block.start).split(" ")[0] : clock(block.start)), element("span", {}, what), element("span", {}, whose)));
  }
}

/** In their order, those that overlap side by side: offers may, as only one of them is taken. */
function beside(blocks) {
  const groups = [];
  for (const block of blocks.toSorted((a, b) => (a.start < b.start ? -1 : 1))) {
    const group = groups.at(-1);
    if (group && group.some(({ end }) => end > block.start)) group.push(block);
    else groups.push([block]);
  }
  return groups.flatMap((group) => group.map((block, column) => ({ ...block, column, columns: group.length })));
}

/** What lies between the windows, within the edges. */
function gaps(windows, from, until) {
  const found = [];
  let at = from;
  for (const [opens, closes] of windows) {
    if (opens > at) found.push([at, opens]);
    at = Math.max(at, closes);
  }
  if (at < until) found.push([at, until]);
  return found;
}
