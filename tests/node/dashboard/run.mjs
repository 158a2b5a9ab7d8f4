// Runs the scenarios of the dashboard in a real Chromium against a running gateway and tells of each as a line of JSON.
// node run.mjs <node_modules> <chromium> <url> <file with the admin token> [<folder for pictures>|-] [<part of a name: only those>]
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Dashboard } from './browser.mjs';
import { actionScenarios } from './actions.mjs';
import { pageScenarios, pictureFleet } from './pages.mjs';
import { picturePlayground, playgroundScenarios } from './playground.mjs';

const [modules, chromium, url, tokenFile, pictures, part] = process.argv.slice(2);
const { default: playwright } = await import(`${modules}/playwright-core/index.js`);
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] });
const tell = one => console.log(JSON.stringify(one));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const dashboard = new Dashboard(browser, { url, token: readFileSync(tokenFile, 'utf8').trim(), axe: `${modules}/axe-core/axe.min.js` });
dashboard.pictures = pictures === '-' ? undefined : pictures;

// Kills the gateway and starts it again; whoever started this program does it.
dashboard.restart = async () => {
  tell({ ask: 'restart' });
  await lines.next();
};

if (dashboard.pictures) {
  await pictureFleet(dashboard);
  await picturePlayground(dashboard);
}

for (const [name, run] of Object.entries({ ...pageScenarios, ...actionScenarios, ...playgroundScenarios })) {
  if (part && !name.includes(part)) {
    continue;
  }

  const begun = performance.now();
  try {
    await run(dashboard);
    tell({ name, ms: Math.round(performance.now() - begun) });
  } catch (error) {
    tell({ name, error: error.stack, ms: Math.round(performance.now() - begun) });
  }
}

await browser.close();
process.exit(0);
