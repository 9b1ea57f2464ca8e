// Elements from plain data. Text is always text: nothing a caller writes is read as markup.

/** `element("p", { class: "note" }, "words", child)`; properties with a dash or `class` and `role` are attributes. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in made && name !== "role") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Shows new contents, and leaves what is the same alone: a screen reader does not read it again. */
export function show(container, children) {
  const held = document.createElement("div");
  held.append(...children);
  if (container.childNodes.length === held.childNodes.length && container.innerHTML === held.innerHTML) return false;
  container.replaceChildren(...held.childNodes);
  return true;
}

/** Says something below a form, or nothing. */
export function say(place, words) {
  place.textContent = words ?? "";
  place.hidden = !words;
}
