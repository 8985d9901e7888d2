// Opens a page as a reader would and prints, as JSON, what there is to complain about.
// node look.mjs PAGE.html CHROMIUM
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page, executablePath] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const looks = [
  { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { colorScheme: "light", viewport: { width: 360, height: 740 } },
];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const complaints = [];
for (const look of looks) {
  const name = `${look.colorScheme} ${look.viewport.width}`;
  // The page's own policy holds while it loads; axe is put in from outside afterwards.
  for (const bypassCSP of [false, true]) {
    const context = await browser.newContext({ ...look, bypassCSP, offline: true });
    const tab = await context.newPage();
    tab.on("console", (said) => complaints.push(`${name}: console: ${said.text()}`));
    tab.on("pageerror", (error) => complaints.push(`${name}: error: ${error.message}`));
    tab.on("request", (asked) => {
      if (asked.url() !== pathToFileURL(page).href) complaints.push(`${name}: asked for ${asked.url()}`);
    });
    await tab.goto(pathToFileURL(page).href);
    if (!bypassCSP) {
      const width = await tab.evaluate(() => document.documentElement.scrollWidth);
      if (width > look.viewport.width) complaints.push(`${name}: ${width} px wide`);
    } else {
      await tab.evaluate(axe);
      const found = await tab.evaluate(() => globalThis.axe.run());
      for (const { id, help, nodes } of found.violations) {
        complaints.push(`${name}: axe ${id}: ${help}: ${nodes[0].html.slice(0, 200)}`);
      }
    }
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify(complaints, null, 1));
