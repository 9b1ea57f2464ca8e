// Requests to the handset's own server, and its two streams.

/** Nobody answers: the sandbox has stopped (`sandbox`), or the product's server is away (`server`). */
export class Away extends Error {
  constructor(who) {
    super(who === "sandbox" ? "The sandbox has stopped." : "The server does not answer. It is started again.");
    this.who = who;
  }
}

/** The answer to a request; with `body` it is a POST. */
export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: body === null ? undefined : JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Away("sandbox");
  }
  if (answer.status === 502) throw new Away("server");
  const data = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(data?.detail ?? `The answer was ${answer.status}.`);
  return data;
}

const PAUSE_MILLIS = 1000;

/**
 * A stream that is opened again for as long as it takes, and closed while nobody can see the page. `address` is asked
 * for each time, `heard` gets each event of these names and an `open` for every opening, `broken` is told why there is
 * none. Returns what ends it.
 */
export function listen(address, names, heard, broken) {
  let source = null;
  let timer;
  const open = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(address());
    for (const name of ["open", ...names]) source.addEventListener(name, (event) => heard(name, event));
    source.onerror = async ({ target }) => {
      target.close();
      const why = await refusal(address());
      if (target !== source) return;
      timer = setTimeout(open, PAUSE_MILLIS);
      if (why) broken(why);
    };
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const follow = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    document.removeEventListener("visibilitychange", follow);
    close();
  };
}

/** Why no stream comes from there, which a stream itself does not say; null where one would. */
async function refusal(address) {
  try {
    const answer = await fetch(address);
    if (answer.ok) {
      await answer.body.cancel();
      return null;
    }
    return answer.status === 502 ? new Away("server") : new Error((await answer.json()).detail);
  } catch {
    return new Away("sandbox");
  }
}
