// Plays the handset's page as somebody would who tries it: at a desk, on a phone, and while the server is away. Started
// by `cargo xtask handset`, which says in the environment where everything is.
//
// HANDSET_URL: the page. SANDBOX_PID: the sandbox, whose server is killed on the way. CHROMIUM: the browser.
// SCREENSHOTS: a folder for pictures.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { HANDSET_URL, SANDBOX_PID, CHROMIUM, SCREENSHOTS } = process.env;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** An answer comes some three seconds after a text; a busy machine gets longer. */
const PATIENCE = 30_000;
/** Whoever answers quicker three times in a row is taken for a machine, and gets no more texts. */
const READING = 2_000;
/** Contrast of text that WCAG 2.2 asks for at level AA, of large text, and from how many pixels on it is large. */
const CONTRAST = { text: 4.5, large: 3, largePixels: 24, largeBoldPixels: 18.66 };
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const profile = mkdtempSync(join(tmpdir(), "nmc-handset-"));
const browser = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, headless: true, args: FLAGS });
browser.setDefaultTimeout(PATIENCE);

/** What the browser complained of. While somebody is away on purpose, requests fail, and it says so. */
const complaints = [];
let isSomebodyAway = false;
let pictures = 0;

async function open(caller, viewport) {
  const page = await browser.newPage();
  page.on("console", (message) => {
    const isExpected = isSomebodyAway && message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isExpected) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  await page.setViewportSize(viewport);
  await page.goto(`${HANDSET_URL}/?caller=${caller}`);
  return page;
}

async function picture(page, name) {
  pictures += 1;
  const number = String(pictures).padStart(2, "0");
  await page.screenshot({ path: join(SCREENSHOTS, `${number}-${name}.png`) });
  await readable(page, name);
  console.log(`  ok    ${name}`);
}

/** Nothing is cut off at the side, everything to press has a name, and every text can be told from its background. */
async function readable(page, name) {
  const found = await page.evaluate((contrast) => {
    const problems = [];
    for (const box of document.querySelectorAll("html, main, header, section, article, form, ol, ul, dl")) {
      if (box.scrollWidth > box.clientWidth + 1) problems.push(`wider than its place: ${box.outerHTML.slice(0, 120)}`);
    }
    const isSeen = (element) => element.checkVisibility({ visibilityProperty: true });
    for (const control of document.querySelectorAll("button, select, textarea")) {
      const named = control.getAttribute("aria-label") ?? (control.labels?.[0]?.textContent || control.textContent);
      if (isSeen(control) && !named?.trim()) problems.push(`no name: ${control.outerHTML}`);
    }
    const channels = (color) => color.match(/[\d.]+/g).map(Number);
    const luminance = (color) => {
      const [red, green, blue] = channels(color).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const background = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const { backgroundColor, backgroundImage } = getComputedStyle(at);
        if (backgroundImage !== "none") return null;
        if (backgroundColor.startsWith("rgb") && (channels(backgroundColor)[3] ?? 1) === 1) return backgroundColor;
        if (backgroundColor.startsWith("color")) return null;
      }
      return "rgb(255, 255, 255)";
    };
    for (const element of document.querySelectorAll("body *")) {
      const says = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (!says || !isSeen(element) || element.matches(":disabled, :disabled *, option, .unseen, noscript *")) continue;
      const behind = background(element);
      if (!behind) continue;
      const { color, fontSize, fontWeight } = getComputedStyle(element);
      const pixels = Number.parseFloat(fontSize);
      const isLarge = pixels >= contrast.largePixels || (pixels >= contrast.largeBoldPixels && Number(fontWeight) >= 700);
      const [darker, lighter] = [luminance(color), luminance(behind)].sort((a, b) => a - b);
      const ratio = (lighter + 0.05) / (darker + 0.05);
      if (ratio < (isLarge ? contrast.large : contrast.text)) {
        problems.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
      }
    }
    return problems;
  }, CONTRAST);
  assert.deepEqual(found, [], `${name}: what somebody could not read or use`);
}

const received = (page) => page.locator(".thread .bubble:not(.is-own)");

/** Texts, and returns the answer. */
async function says(page, words) {
  const before = await received(page).count();
  await page.waitForTimeout(READING);
  await page.getByLabel("Text message").fill(words);
  await page.getByLabel("Text message").press("Enter");
  const answer = received(page).nth(before);
  await answer.waitFor();
  return answer.innerText();
}

const look = async (page, side) => {
  const button = page.locator(`#view-${side}`);
  if (await button.isVisible()) await button.click();
};

/** A missed call up to the greeting. */
async function ring(page) {
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await received(page).last().waitFor();
  const greeting = await received(page).last().innerText();
  assert.match(greeting, /Example Plumbing/);
  assert.match(greeting, /STOP/);
  await page.locator(".call .heard").waitFor();
}

/** From the caller's words to a booking, with a picture of each step. */
async function book(page, name, size) {
  const price = await page.evaluate(async () => {
    const items = (await (await fetch("/business/catalog/items")).json()).items;
    return items.find(({ name }) => name === "Leak repair").price.amount_cents;
  });
  const dollars = `$${price / 100}`;
  const offers = await says(page, "leaking sink tomorrow afternoon");
  assert.ok(offers.includes(dollars), `${offers} does not say ${dollars}`);
  assert.match(offers, /1\).*2\)/s);
  await picture(page, `${size}-offers`);
  await look(page, "business");
  await page.locator(".block.is-offered").first().waitFor();
  const why = page.locator(".why", { hasText: "offers free times" });
  await why.waitFor();
  assert.match(await why.innerText(), /understood .*leaking sink/);
  await picture(page, `${size}-offers-business`);
  await look(page, "phone");

  let question = await says(page, "2");
  await look(page, "business");
  await page.locator(".block.is-held").waitFor();
  await picture(page, `${size}-held`);
  await look(page, "phone");
  for (let asked = 0; asked < 5 && !question.includes("You are booked"); asked += 1) {
    if (/your name/i.test(question)) question = await says(page, name);
    else if (/address/i.test(question) && !/Reply 1/.test(question)) question = await says(page, "5 Elm St");
    else if (/Reply 1/.test(question)) question = await says(page, "1");
    else assert.fail(`nobody knows what to answer to: ${question}`);
  }
  assert.ok(question.includes("You are booked") && question.includes(dollars), question);
  await picture(page, `${size}-booked`);
  await look(page, "business");
  const booked = page.locator(".block.is-booked", { hasText: name });
  await booked.waitFor();
  const shown = await booked.innerText();
  assert.ok(shown.includes("Leak repair") && shown.includes(dollars), shown);
  const figure = page.locator("#figures .is-good dd");
  await figure.waitFor();
  assert.equal(await figure.innerText(), dollars);
  await page.locator("#events", { hasText: `for ${dollars}` }).waitFor();
  await page.locator(".why", { hasText: "books" }).waitFor();
  await picture(page, `${size}-booked-business`);
  await look(page, "phone");
}

/** A person takes the conversation, writes, and gives it back. */
async function person(page, size) {
  await page.getByRole("button", { name: "Take over" }).click();
  await page.locator("#who.is-human").waitFor();
  const before = await received(page).count();
  await page.getByLabel("Write as the business").fill("This is Olive of Example Plumbing. See you then!");
  await page.getByLabel("Write as the business").press("Enter");
  await received(page).nth(before).waitFor();
  assert.match(await received(page).last().innerText(), /This is Olive/);
  await page.locator(".message.is-user").waitFor();
  await picture(page, `${size}-person`);
  await page.getByRole("button", { name: "Give back" }).click();
  await page.locator("#who.is-open").waitFor();
}

async function stop(page, size) {
  await page.waitForTimeout(READING);
  const texts = await received(page).count();
  await page.getByLabel("Text message").fill("STOP");
  await page.getByLabel("Text message").press("Enter");
  await look(page, "business");
  await page.locator("#who.is-closed").waitFor();
  assert.match(await page.locator("#dialogue").innerText(), /no more texts/);
  assert.equal(await page.locator("#answer").isVisible(), false);
  // Twilio answers the word itself; nothing comes from the business.
  assert.equal(await received(page).count(), texts);
  await picture(page, `${size}-stop`);
}

function killServer() {
  const pid = execFileSync("pgrep", ["-P", SANDBOX_PID, "-f", "server serve"]).toString().trim();
  process.kill(Number(pid), "SIGKILL");
}

/** Two windows side by side work; a third is told why it does not. */
async function windows(first, second) {
  isSomebodyAway = true;
  const third = await open("diego", DESK);
  await third.locator("#notice", { hasText: "two windows" }).waitFor();
  await picture(third, "desk-third-window");
  await first.close();
  await third.locator("#notice").waitFor({ state: "hidden" });
  await third.close();
  await second.close();
  isSomebodyAway = false;
}

/** The server dies: the page says so, and goes on by itself. */
async function outage(page) {
  await page.locator("#live.is-live").waitFor();
  isSomebodyAway = true;
  killServer();
  const notice = page.locator("#notice", { hasText: "The server does not answer" });
  await notice.waitFor();
  await picture(page, "desk-server-away");
  await page.locator("#live.is-live").waitFor();
  await notice.waitFor({ state: "hidden" });
  isSomebodyAway = false;
  await ring(page);
  await page.locator("#messages .message").first().waitFor();
}

/** Two callers pick the same time at once: one has it, and the other hears so. */
async function race(first, second) {
  const both = [first, second];
  const offered = await Promise.all(both.map((page) => says(page, "leaking sink on wednesday")));
  const [wanted, other] = offered.map((offers) => /1\) (.+?[AP]M)/s.exec(offers)?.[1]);
  assert.ok(wanted && wanted === other, `they are not offered the same: ${offered}`);
  const answers = await Promise.all(both.map((page) => says(page, "1")));
  const lost = answers.findIndex((answer) => /taken/.test(answer));
  assert.ok(lost >= 0 && /your name/.test(answers[1 - lost]), `who has it? ${answers}`);
  await both[lost].locator(".block.is-held").waitFor();
  assert.equal(await both[lost].locator(".block.is-held").count(), 1);
  await picture(both[lost], "desk-too-late");
}

async function end(page) {
  await page.locator("#ring:enabled").waitFor();
  isSomebodyAway = true;
  process.kill(Number(SANDBOX_PID), "SIGTERM");
  await page.locator("#notice", { hasText: "The sandbox has stopped" }).waitFor();
  await page.getByLabel("Text message").fill("Anybody there?");
  await page.getByRole("button", { name: "Send the text" }).click();
  await page.locator("#unsent", { hasText: "not sent" }).waitFor();
  assert.equal(await page.getByLabel("Text message").inputValue(), "Anybody there?");
  await picture(page, "phone-sandbox-stopped");
}

let failed = null;
try {
  const desk = await open("ann", DESK);
  await desk.locator(".thread .empty").getByText("Nothing here yet").waitFor();
  await desk.locator("#live.is-live").waitFor();
  await picture(desk, "desk-start");
  await ring(desk);
  await desk.locator("#messages .why").waitFor();
  await picture(desk, "desk-greeting");
  await book(desk, "Ann Example", "desk");
  await person(desk, "desk");
  await stop(desk, "desk");

  const phone = await open("ben", PHONE);
  await phone.locator(".thread .empty").getByText("Nothing here yet").waitFor();
  await picture(phone, "phone-start");
  await ring(phone);
  await phone.locator("#news").waitFor();
  await picture(phone, "phone-greeting");
  await book(phone, "Ben Example", "phone");
  await stop(phone, "phone");

  await windows(desk, phone);
  const cleo = await open("cleo", DESK);
  await outage(cleo);
  const diego = await open("diego", DESK);
  await ring(diego);
  await race(cleo, diego);
  await cleo.close();
  await diego.setViewportSize(PHONE);
  await end(diego);
  assert.deepEqual(complaints, [], "what the browser complained of");
} catch (error) {
  failed = error;
  for (const [index, page] of browser.pages().entries()) {
    await page.screenshot({ path: join(SCREENSHOTS, `failed-${index}.png`) }).catch(() => {});
  }
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
if (failed) {
  console.error(failed, ...complaints);
  process.exit(1);
}
console.log(`The handset works at both sizes; ${pictures} pictures are in ${SCREENSHOTS}`);
