// The page: who calls, what is looked at, what is wrong.

import { Away, ask } from "./ask.js";
import { Business } from "./business.js";
import { byId, element, say } from "./element.js";
import { Phone } from "./phone.js";
import { formatPhone } from "./words.js";

const PAUSE_MILLIS = 1000;

/** What is wrong now, by who says so: the phone's stream and the business's each know their own side. */
const outages = new Map();

function outage(side, error) {
  if (error) outages.set(side, error);
  else outages.delete(side);
  // Nothing else matters while the sandbox is not there.
  const wrong = [...outages.values()];
  const first = wrong.find((error) => error.who === "sandbox") ?? wrong[0];
  const going = { sandbox: "Start it with “cargo run”; this page goes on by itself.", server: "This page goes on by itself." };
  say(byId("notice"), first && [first.message, going[first.who]].filter(Boolean).join(" "));
}

function view(name) {
  document.body.dataset.view = name;
  for (const other of ["phone", "business"]) byId(`view-${other}`).setAttribute("aria-pressed", String(other === name));
  if (name === "business") byId("news").hidden = true;
  // What came while it was out of sight is at the end.
  for (const list of ["thread", "messages"]) byId(list).scrollTop = byId(list).scrollHeight;
}

/** Ticks off what has been tried, and points at what comes next. */
function hints({ rang, read, answered }) {
  const done = { ring: rang, read, answer: answered };
  const next = Object.keys(done).find((step) => !done[step]);
  for (const [step, isDone] of Object.entries(done)) {
    const hint = byId(`hint-${step}`);
    hint.classList.toggle("is-done", isDone);
    hint.classList.toggle("is-next", step === next);
    if (step === next) hint.setAttribute("aria-current", "step");
    else hint.removeAttribute("aria-current");
  }
  document.body.classList.toggle("knows-how", next === undefined);
}

async function start() {
  let about;
  try {
    about = await ask("/phone");
  } catch (error) {
    outage("page", error instanceof Away ? error : new Away("sandbox"));
    setTimeout(start, PAUSE_MILLIS);
    return;
  }
  outage("page", null);
  const news = () => {
    if (document.body.dataset.view !== "business") byId("news").hidden = false;
  };
  const phone = new Phone(about, { outage, hints });
  const business = new Business({ outage, news, zoned: () => phone.draw() });
  const select = byId("caller");
  select.append(...about.callers.map(({ name, phone }) => element("option", { value: phone }, `${name}, ${formatPhone(phone)}`)));
  // Two windows can be two callers, who want the same time.
  const wanted = new URLSearchParams(location.search).get("caller");
  const named = about.callers.find(({ name }) => name.toLowerCase() === wanted?.toLowerCase());
  if (named) select.value = named.phone;
  const choose = () => {
    const caller = about.callers.find(({ phone }) => phone === select.value);
    history.replaceState(null, "", `?caller=${caller.name.toLowerCase()}`);
    phone.choose(caller);
    business.choose(caller);
  };
  select.addEventListener("change", choose);
  choose();
}

for (const name of ["phone", "business"]) byId(`view-${name}`).addEventListener("click", () => view(name));
start();
