// What the fleet's page of the dashboard shows of each server, as one line of JSON: {"NAME":{"state","reason"}}.
// node fleet.mjs <node_modules> <chromium> <url> <how many servers>
const [modules, chromium, url, count] = process.argv.slice(2);
const { default: playwright } = await import(`${modules}/playwright-core/index.js`);
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] });
const page = await browser.newPage();
await page.goto(`${url}/dashboard/#/fleet`);
await page.waitForFunction((wanted) => document.querySelectorAll('tbody tr').length === wanted, Number(count));
const rows = await page.locator('tbody tr').evaluateAll((all) => all.map((row) => [row.querySelector('th a').textContent, { state: row.cells[1].textContent, reason: row.querySelector('.reason > span').textContent }]));
console.log(JSON.stringify(Object.fromEntries(rows)));
await browser.close();
process.exit(0);
