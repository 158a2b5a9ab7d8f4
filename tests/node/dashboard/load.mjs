// Looks at the dashboard in a real Chromium while events flood it, and tells as a line of JSON what its main thread did, from the browser's own trace.
// node load.mjs <node_modules> <chromium> <url> <file with the admin token> <servers> <calls a second> <seconds on each page>
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Dashboard, equal, holds, until } from './browser.mjs';

const [modules, chromium, url, tokenFile, ...numbers] = process.argv.slice(2);
const [servers, rate, seconds] = numbers.map(Number);
const { default: playwright } = await import(`${modules}/playwright-core/index.js`);
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] });
const dashboard = new Dashboard(browser, { url, token: readFileSync(tokenFile, 'utf8').trim(), axe: `${modules}/axe-core/axe.min.js` });
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

const callOnce = n => new Promise((resolve, reject) => {
  const body = JSON.stringify({ arguments: { n } });
  request(`${url}/api/v1/servers/many-${n % servers}/tools/echo/call`, { agent, method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Length': body.length } }, answer => {
    answer.resume();
    answer.on('end', () => answer.statusCode === 200 ? resolve() : reject(new Error(`a call was answered ${answer.statusCode}`)));
  }).on('error', reject).end(body);
});

/** Calls at a fixed rate; what is late is caught up with. */
async function flood() {
  const begun = performance.now();
  const calls = [];
  while (calls.length < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor((performance.now() - begun) / 1000 * rate));
    while (calls.length < due) {
      calls.push(callOnce(calls.length));
    }

    await new Promise(resolve => setTimeout(resolve, 5));
  }

  await Promise.all(calls);
  return { calls: calls.length, seconds: (performance.now() - begun) / 1000 };
}

/** How long the page takes from a press of a button to the frame that shows it, in ms; pressed ten times a second while something runs. */
async function pressing(page, name, running) {
  const taken = [];
  let isRunning = true;
  void running.finally(() => { isRunning = false; });
  while (isRunning) {
    taken.push(await page.getByRole('button', { name, exact: true }).evaluate(async button => {
      const begun = performance.now();
      button.click();
      await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - begun;
    }));
    await new Promise(resolve => setTimeout(resolve, 100));
  }

  return taken.sort((a, b) => a - b);
}

/** Tasks of the page's main thread, in ms, from a trace. */
function tasksOf(trace) {
  const { traceEvents } = JSON.parse(trace);
  const mains = new Set(traceEvents.filter(one => one.name === 'thread_name' && one.args.name === 'CrRendererMain').map(one => `${one.pid}/${one.tid}`));
  const tasks = traceEvents.filter(one => one.ph === 'X' && one.name === 'RunTask' && mains.has(`${one.pid}/${one.tid}`)).map(one => one.dur / 1000);
  holds(tasks.length > 0, 'the trace holds no task of a main thread');
  return tasks;
}

async function look(page, hash, name, prepare) {
  await page.evaluate(to => { location.hash = to; }, hash);
  await page.getByRole('heading', { level: 1, name }).waitFor();
  const button = await prepare();
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] });
  const flooding = flood();
  const pressed = await pressing(page, button, flooding);
  const load = await flooding;
  const tasks = tasksOf(await browser.stopTracing());
  const long = tasks.filter(ms => ms > 50);
  console.log(JSON.stringify({
    page: name, calls: load.calls, seconds: load.seconds, perSecond: load.calls / load.seconds, longTasks: long.length, longTasksMs: long.reduce((sum, ms) => sum + ms, 0), longestMs: Math.max(...tasks),
    busyShare: tasks.reduce((sum, ms) => sum + ms, 0) / 1000 / load.seconds, presses: pressed.length, pressMedianMs: pressed[pressed.length >> 1], pressLongestMs: pressed.at(-1),
  }));
  return load;
}

const page = await dashboard.open('#/fleet');
const rows = () => page.locator('main tbody tr').count();
const first = Math.min(servers, 100);
await page.getByText(`${servers} servers: `).waitFor();
equal(await until('the servers of the fleet', rows), first, 'rows of the fleet');
await look(page, '#/fleet', 'Fleet', () => 'Server');
const { calls } = await look(page, '#/events', 'Events', async () => {
  await page.getByLabel('States, lists').uncheck();
  await page.getByLabel('Calls').check();
  await until('the first event', async () => (await callOnce(0), page.getByText(/^[1-9][\d,]* so far/).count()));
  await page.getByRole('button', { name: 'Clear' }).click();
  return 'Pause';
});
await until('every call to be told', async () => Number((await page.getByText(/so far/).textContent()).match(/^[\d,]+/)[0].replaceAll(',', '')), told => told >= calls);
holds(await page.locator('.gap').count() === 0, 'events were lost on the way to the page');
await look(page, '#/traffic', 'Traffic', async () => {
  equal(await until('the servers in the table', rows), first, 'rows of the traffic');
  return 'Calls';
});
if (servers > first) {
  await page.getByRole('button', { name: `Show all ${servers}` }).click();
  equal(await rows(), servers, 'rows when all are wanted');
}

await page.end();
await browser.close();
agent.destroy();
