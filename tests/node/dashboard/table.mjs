// Does at the dashboard what tests/states-and-errors.json says, and tells how it ended there. One line of JSON each way: {"n","deed"} comes in and {"n","error","text"} goes out, error being null
// when it went well; {"n","meanwhile":true} asks for what somebody else is to do at that moment, and for any line after it. {"n","show":"fleet","servers":N} gives {"n","fleet":{NAME:{state,reason}}},
// {"n","show":"calls"} looks at the calls that the page of events tells, from then on; {"n","show":"told","wanted":[[server,error]]} waits for these there.
// node table.mjs <node_modules> <chromium> <url> <file with the admin token>
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Dashboard } from './browser.mjs';

const [modules, chromium, url, tokenFile] = process.argv.slice(2);
const { default: playwright } = await import(`${modules}/playwright-core/index.js`);
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] });
const dashboard = new Dashboard(browser, { url, token: readFileSync(tokenFile, 'utf8').trim(), axe: `${modules}/axe-core/axe.min.js` });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = one => console.log(JSON.stringify(one));
const [page, watching, visitor] = [await dashboard.open(), await dashboard.open('#/events'), await dashboard.open('#/fleet', { admin: false })];

/** The word of an error and what follows it. */
function ending(text, isBad) {
  const [, error, rest] = isBad ? /^(\w+): ([^]*)$/.exec(text) ?? [null, 'no word', text] : [null, null, text];
  return { error, text: rest };
}

/** What a page says after something was done on it. */
async function notice(on = page) {
  const said = on.locator('#notices .notice');
  await said.waitFor();
  const end = ending(await said.locator('p').textContent(), await said.evaluate(node => node.classList.contains('bad')));
  await said.getByRole('button', { name: 'Dismiss' }).click();
  return end;
}

async function visit(hash, on = page) {
  await on.evaluate(to => { location.hash = to; }, '#/fleet');
  await on.evaluate(to => { location.hash = to; }, hash);
}

/** Presses a button of the page of a server, fills in its dialog and confirms it. */
async function press({ server, button, fields = {}, confirm }, meanwhile) {
  await visit(`#/servers/${server}`);
  await page.getByRole('main').getByRole('button', { name: button, exact: true }).click();
  if (confirm) {
    for (const [label, value] of Object.entries(fields)) {
      const field = page.getByRole('dialog').getByLabel(label);
      await (await field.evaluate(node => node.tagName) === 'SELECT' ? field.selectOption(value) : field.fill(String(value)));
    }

    await meanwhile();
    await page.getByRole('dialog').getByRole('button', { name: confirm, exact: true }).click();
  }

  return notice();
}

const deeds = {
  async call({ call: [server, tool] }, meanwhile) {
    await visit(`#/playground/${server}/${tool}`);
    await page.getByRole('heading', { name: tool, exact: true }).waitFor();
    await meanwhile();
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    const verdict = page.locator('section[aria-label=Result] .verdict');
    await verdict.waitFor();
    return ending(await verdict.textContent(), await verdict.evaluate(node => node.classList.contains('bad')));
  },
  scale: ({ scale, replicas }, meanwhile) => press({ server: scale, button: 'Scale', fields: { Instances: replicas }, confirm: 'Scale' }, meanwhile),
  undeploy: ({ undeploy }, meanwhile) => press({ server: undeploy, button: 'Undeploy', confirm: 'Undeploy' }, meanwhile),
  rollout: ({ rollout }, meanwhile) => press({ server: rollout, button: 'Roll out', confirm: 'Begin' }, meanwhile),
  injectFault: ({ injectFault, kind }, meanwhile) => press({ server: injectFault, button: 'Inject a fault', fields: { Kind: kind }, confirm: 'Inject' }, meanwhile),
  async deploy({ deploy }) {
    await visit('#/fleet');
    await page.getByRole('button', { name: 'Deploy a server' }).click();
    await page.getByRole('dialog').getByLabel('One server').fill(JSON.stringify(deploy));
    await page.getByRole('dialog').getByRole('button', { name: 'Deploy' }).click();
    return notice();
  },
  async endFault({ endFault }, meanwhile) {
    await visit('#/changes');
    const end = await page.getByRole('button', { name: new RegExp(`^End the fault .* of ${endFault}$`) }).elementHandle();
    await meanwhile();

    // Pressed at the moment at which it goes.
    await end.evaluate(node => node.click());
    return notice();
  },
  async signIn({ signIn }) {
    await visitor.getByRole('button', { name: 'Sign in' }).click();
    await visitor.getByRole('dialog').getByLabel('Link or code').fill(signIn);
    await visitor.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
    return notice(visitor);
  },
};

const shows = {
  async fleet({ servers }) {
    await visit('#/fleet', visitor);
    await visitor.waitForFunction(wanted => document.querySelectorAll('tbody tr').length === wanted, servers);
    const rows = await visitor.locator('tbody tr').evaluateAll(all => all.map(row => [row.querySelector('th a').textContent, { state: row.cells[1].textContent, reason: row.querySelector('.reason > span').textContent }]));
    return { fleet: Object.fromEntries(rows) };
  },
  async calls() {
    const answered = watching.waitForResponse(answer => /\/events\?types=[^&]*\bcall\b/.test(answer.url()));
    await watching.getByLabel('Calls').check();
    await answered;
    return { done: true };
  },
  async told({ wanted }) {
    for (const [server, error] of wanted) {
      await watching.getByRole('log').locator('p.bad', { has: watching.getByRole('link', { name: server, exact: true }) }).filter({ hasText: new RegExp(`: ${error}$`) }).first().waitFor();
    }

    return { done: true };
  },
};

for await (const line of lines) {
  const { n, deed, show, ...more } = JSON.parse(line);
  try {
    const meanwhile = async () => {
      if (deed.meanwhile) {
        tell({ n, meanwhile: true });
        await lines.next();
      }
    };
    tell({ n, ...await (show ? shows[show](more) : deeds[Object.keys(deed)[0]](deed, meanwhile)) });
  } catch (error) {
    tell({ n, problem: error.stack, page: await page.locator('body').innerText() });
  }
}

await browser.close();
process.exit(0);
