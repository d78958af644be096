// Looks at the HTML report as people do. Fails on any console message, request, or part that can't be seen.
"use strict";
const { chromium } = require("playwright-core");
const path = require("path");
const os = require("os");
const fs = require("fs");

const [executablePath, page, shots] = process.argv.slice(2);
const url = "file://" + path.resolve(page);
const failures = [];

async function main() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "openclaw-doctor-html-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  for (const [name, width, height, colorScheme] of [
    ["wide", 1280, 1000, "light"],
    ["wide-dark", 1280, 1000, "dark"],
    ["narrow", 390, 844, "light"],
    ["narrow-dark", 390, 844, "dark"],
  ]) {
    const tab = await context.newPage();
    tab.on("console", (message) => failures.push(`${name}: console ${message.type()}: ${message.text()}`));
    tab.on("pageerror", (error) => failures.push(`${name}: ${error.message}`));
    tab.on("request", (request) => {
      if (request.url() !== url && !request.url().startsWith("data:")) failures.push(`${name}: request ${request.url()}`);
    });
    await tab.setViewportSize({ width, height });
    await tab.emulateMedia({ colorScheme });
    await tab.goto(url);
    await tab.screenshot({ path: path.join(shots, `report-${name}.png`), fullPage: name !== "wide" });
    const seen = await tab.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      title: document.title,
      headings: Array.from(document.querySelectorAll("h1,h2")).map((heading) => heading.textContent),
      ink: getComputedStyle(document.body).color,
      paper: getComputedStyle(document.body).backgroundColor,
      copy: Array.from(document.querySelectorAll("button")).filter((button) => button.offsetParent).length,
      bars: document.querySelectorAll("svg rect").length,
    }));
    if (seen.overflow > 0) failures.push(`${name}: the page is ${seen.overflow} pixels wider than the window`);
    if (seen.headings.length < 4 || !seen.title) failures.push(`${name}: headings ${JSON.stringify(seen.headings)}`);
    if (seen.ink === seen.paper) failures.push(`${name}: text has the colour of the page`);
    if (seen.copy < 1) failures.push(`${name}: no button to copy the next command`);
    if (name === "wide" && seen.bars < 1) failures.push("no bar in the timeline");
    const fields = await tab.$$("input[type=search]");
    if (fields.length < 2) failures.push(`${name}: ${fields.length} search fields`);
    const table = await tab.$eval("input[data-table]", (field) => field.dataset.table);
    const rows = (selector) => tab.$$eval(selector, (found) => found.filter((row) => row.offsetParent).length);
    const before = await rows(`#${table} tbody tr`);
    await fields[0].fill("zzz-nothing-has-this");
    if (await rows(`#${table} tbody tr`) !== 0) failures.push(`${name}: the search hides nothing`);
    await fields[0].fill("");
    if (await rows(`#${table} tbody tr`) !== before) failures.push(`${name}: clearing the search shows not all`);
    await tab.click("button[data-copy]");
    const said = await tab.textContent("button[data-copy]");
    if (said === "Copy") failures.push(`${name}: the button does nothing`);
    if (name === "wide") {
      await tab.emulateMedia({ media: "print", colorScheme: "light" });
      await tab.screenshot({ path: path.join(shots, "report-print.png"), fullPage: true });
      if (await rows("input[type=search]") !== 0) failures.push("print: the search fields are printed");
    }
    await tab.close();
  }
  await context.close();
  fs.rmSync(profile, { recursive: true, force: true });
}

main().then(() => {
  failures.forEach((failure) => console.error(failure));
  console.log(failures.length ? `${failures.length} failures` : "the HTML report is sound: 4 windows and print, no console message, no request");
  process.exit(failures.length ? 1 : 0);
}, (error) => {
  console.error(error);
  process.exit(1);
});
