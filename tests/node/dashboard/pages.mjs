// Each page: in both schemes, wide and narrow, for people with and without the token, with hostile texts, with the keyboard alone.
import { equal, holds, until } from './browser.mjs';

const pages = ['#/fleet', '#/traffic', '#/servers/library', '#/playground/library/fields', '#/events', '#/log', '#/changes', '#/audit', '#/configuration'];
const words = { '#/servers/library': 'Calls itself', '#/playground/library/fields': 'All kinds of fields', '#/fleet': 'search', '#/configuration': 'REDACTED', '#/traffic': 'By server', '#/changes': 'Faults that are active' };

const visit = async (dashboard, page, hash, word = words[hash]) => {
  await page.evaluate(to => { location.hash = to; }, hash);
  await page.getByRole('heading', { level: 1 }).waitFor();
  if (word) {
    await page.getByText(word).first().waitFor();
  }
};

const sideways = page => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

async function everyPage(dashboard, scheme) {
  const page = await dashboard.open('#/fleet', { scheme });
  const found = [];
  for (const hash of pages) {
    await visit(dashboard, page, hash);
    found.push(...(await dashboard.axe(page)).map(one => `${hash} (${scheme}): ${one}`));
    const surplus = await sideways(page);
    if (surplus > 0) {
      found.push(`${hash} scrolls sideways by ${surplus} px`);
    }
  }

  // Dialogs are pages, too.
  await visit(dashboard, page, '#/fleet');
  await page.getByRole('button', { name: 'Actions for search' }).click();
  found.push(...(await dashboard.axe(page)).map(one => `dialog (${scheme}): ${one}`));
  equal(found, [], 'findings');
  await page.end();
}

/** Pictures for the README, of a fleet at work. */
export async function pictureFleet(dashboard) {
  const page = await dashboard.open('#/traffic');
  const drawn = page.getByRole('img', { name: /Latency, at the end: p50 \d/ });
  for (let i = 0, seen = ''; i < 12;) {
    await Promise.all(Array.from({ length: 5 + i * 3 }, (_, n) => dashboard.api('POST', `/api/v1/servers/${n % 3 ? 'library' : 'search'}/tools/fields/call`, { arguments: { text: 'x'.repeat(n) } })));
    const now = await drawn.count() === 0 ? '' : await drawn.getAttribute('aria-label');
    [i, seen] = now === seen ? [i, seen] : [i + 1, now];
  }

  for (const name of ['traffic', 'fleet']) {
    await visit(dashboard, page, `#/${name}`);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.screenshot({ path: `${dashboard.pictures}/dashboard-${name}-${scheme}.png` });
    }
  }

  await page.end();
}

export const pageScenarios = {
  'pages in light': dashboard => everyPage(dashboard, 'light'),
  'pages in dark': dashboard => everyPage(dashboard, 'dark'),

  'a page whose answers tarry is whole': async dashboard => {
    const page = await dashboard.open('#/fleet');
    let goOn;
    const held = new Promise(resolve => { goOn = resolve; });
    await page.route('**/servers/library/instances', async route => {
      await held;
      await route.continue();
    });
    await visit(dashboard, page, '#/servers/library');
    equal(await dashboard.axe(page), [], 'findings before its instances are known');
    goOn();
    await page.getByRole('region', { name: 'Each instance' }).getByRole('row').nth(1).waitFor();
    await page.end();
  },

  'pages on a narrow screen': async dashboard => {
    const page = await dashboard.open('#/fleet', { width: 360, height: 720 });
    for (const hash of pages) {
      await visit(dashboard, page, hash);
      equal(await sideways(page), 0, `${hash} scrolls sideways, px`);
    }

    await page.end();
  },

  'pages without the token': async dashboard => {
    const page = await dashboard.open('#/fleet', { admin: false });
    await page.getByText('this page is read-only until then').waitFor();
    equal(await page.getByRole('button', { name: 'Actions for library' }).isDisabled(), true, 'whether actions are switched off');
    for (const hash of ['#/log', '#/configuration', '#/audit', '#/servers/library']) {
      await visit(dashboard, page, hash, 'needs the admin token');
    }

    equal(await page.getByRole('button', { name: 'Restart' }).count(), 0, 'buttons that would be refused');
    equal(await dashboard.axe(page), [], 'findings');
    await page.end();
  },

  'a link signs in once and leaves no trace': async dashboard => {
    const link = await dashboard.link();
    const code = link.split('code=')[1];
    const page = await dashboard.open('#/fleet', { admin: false });
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByText('Signed in').waitFor();
    const kept = await page.evaluate(() => ({ address: location.href, local: localStorage.length, cookies: document.cookie, session: sessionStorage.length }));
    equal(kept, { address: `${dashboard.url}/dashboard/#/fleet`, local: 0, cookies: '', session: 1 }, 'what is kept');
    await page.goBack();
    holds(!page.url().includes(code), `the history holds the code: ${page.url()}`);
    await page.end();

    const other = await dashboard.open('#/fleet', { admin: false });
    other.expected.push(/401/);
    await other.goto('about:blank');
    await other.goto(link);
    await other.getByText('was used already').waitFor();
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByLabel('Link or code').fill(await dashboard.link());
    await other.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
    await other.getByText('Signed in').waitFor();
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByText('Signed out').waitFor();
    equal(await other.evaluate(() => sessionStorage.length), 0, 'what the tab keeps when it has signed out');
    await other.end();
  },

  'hostile text stays text': async dashboard => {
    const page = await dashboard.open('#/servers/library');
    await page.getByText('odd <script>window.owned').waitFor();
    await page.getByText('<a href="javascript:window.owned').first().waitFor();
    await page.getByRole('log').getByText('<script>window.owned = 1</script>').first().waitFor();
    await visit(dashboard, page, '#/playground/library/hostile');
    await page.getByRole('heading', { name: 'Hostile <script>' }).waitFor();
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByLabel('Result').getByText('<img src=x onerror').first().waitFor();
    await visit(dashboard, page, '#/log');
    await dashboard.api('POST', '/api/v1/servers/library/tools/say/call', { arguments: { text: '</p><script>window.owned = 5</script>' } });
    await page.getByText('</p><script>window.owned = 5').waitFor();
    equal(await page.locator('main script, main img, main a[href^="javascript"]').count(), 0, 'elements made of text');
    equal(await page.evaluate(() => {
      try {
        document.createElement('p').innerHTML = '<b>x</b>';
        return 'taken';
      } catch (error) {
        return error.name;
      }
    }), 'TypeError', 'what the policy makes of markup from text');
    page.expected.push(/Trusted/i);
    await page.end();
  },

  'the focus follows the page': async dashboard => {
    const page = await dashboard.open('#/fleet');
    await page.getByRole('link', { name: 'Traffic' }).click();
    await until('the heading to have the focus', () => page.evaluate(() => document.activeElement.textContent), text => text === 'Traffic');
    equal(await page.title(), 'Traffic – Fairlead', 'the title');
    equal(await page.getByRole('link', { name: 'Traffic' }).getAttribute('aria-current'), 'page', 'the mark of where one is');
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    equal(await page.evaluate(() => document.activeElement.id), 'main', 'where the skip link leads');
    equal(new URL(page.url()).hash, '#/traffic', 'the page after the skip link');

    // An address that somebody typed.
    for (const [hash, heading] of [['#/servers/%', '%'], ['#/nowhere', 'Fleet'], ['#/servers/nobody', 'nobody']]) {
      await page.evaluate(to => { location.hash = to; }, hash);
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
    }

    await page.getByText('The fleet has no such server').waitFor();

    // A row that moves because its state changes takes the focus along.
    await visit(dashboard, page, '#/fleet');
    await page.getByRole('button', { name: 'State', exact: true }).click();
    await page.getByRole('button', { name: 'Actions for search' }).focus();
    const place = () => page.locator('main tbody tr').evaluateAll(rows => rows.findIndex(row => row.textContent.includes('search')));
    const before = await place();
    await dashboard.api('POST', '/api/v1/servers/search/maintenance', { on: true, reason: 'moving' });
    await until('the row to move', place, now => now !== before);
    equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Actions for search', 'where the focus is when its row has moved');
    await dashboard.api('POST', '/api/v1/servers/search/maintenance', { on: false });
    await until('the row to be back', place, now => now === before);
    await page.end();
  },

  'traffic is drawn and told': async dashboard => {
    const page = await dashboard.open('#/traffic');
    const row = page.getByRole('row', { name: /^library / });
    await row.waitFor();
    const drawn = () => page.getByRole('img', { name: /Latency, at the end: p50 \d/ }).count();
    await until('latencies of calls', async () => {
      for (let i = 0; i < 5; i++) {
        await dashboard.api('POST', '/api/v1/servers/library/tools/say/call', { arguments: { text: 'traffic' } });
      }

      return drawn();
    });
    const cells = await row.getByRole('cell').allTextContents();
    holds(/\d/.test(cells[1]) && Number(cells[6].replace(/\D/g, '')) >= 5, `the row of library: ${cells}`);
    const colours = await page.locator('canvas').first().evaluate(canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size);
    holds(colours > 2, 'the plot is blank');
    await page.getByRole('button', { name: 'Calls' }).click();
    equal(await page.getByRole('columnheader', { name: 'Calls' }).getAttribute('aria-sort'), 'descending', 'the order by calls');
    await page.end();
  },

  'events and lines come as they happen': async dashboard => {
    const page = await dashboard.open('#/events');
    const feed = page.getByRole('log');
    for (let i = 0; i < 60; i++) {
      await dashboard.api('POST', '/api/v1/servers/library/tools/say/call', { arguments: { text: `line ${i}` } });
    }

    const say = text => dashboard.api('POST', '/api/v1/servers/library/tools/say/call', { arguments: { text } });
    await page.getByLabel('Calls').check();
    await until('a call to be told', async () => (await say('one'), feed.getByText(/tools\/call say/).count()));
    await page.getByRole('button', { name: 'Pause' }).click();
    const shown = await feed.locator('p').count();
    await until('calls that come while it is paused', async () => (await say('two'), page.getByText(/paused, [1-9]\d* came meanwhile/).count()));
    equal(await feed.locator('p').count(), shown, 'lines while it is paused');
    await page.getByRole('button', { name: 'Pause' }).click();
    await until('what came meanwhile', () => feed.locator('p').count(), count => count > shown);
    await page.getByLabel('Filter').fill('no such text');
    equal(await feed.locator('p').count(), 0, 'lines that fit no filter');
    await visit(dashboard, page, '#/servers/library');
    await until('the end of what the server wrote', () => feed.evaluate(node => node.scrollHeight > node.clientHeight && node.scrollTop + node.clientHeight >= node.scrollHeight - 1));
    await visit(dashboard, page, '#/log');
    await until('a line of stderr', async () => (await say('a line of its own'), feed.getByText('a line of its own').count()));
    await page.getByLabel('Server', { exact: true }).selectOption('search');
    equal(await feed.getByText('a line of its own').count(), 0, 'lines of another server');
    await page.end();
  },

  'the audit log is searched': async dashboard => {
    const page = await dashboard.open('#/audit');
    const records = page.getByRole('region', { name: 'Records' });
    for (let i = 0; i < 2; i++) {
      await dashboard.api('POST', `/api/v1/servers/library/tools/fail/${i === 0 ? 'disable' : 'enable'}`, {});
    }

    await fetch(`${dashboard.url}/api/v1/servers/search/restart`, { method: 'POST', headers: { Authorization: 'Bearer wrong' } });
    await page.getByLabel('Server', { exact: true }).selectOption('library');
    await page.getByLabel('Tool, prompt or URI').fill('fail');
    await page.getByRole('button', { name: 'Search' }).click();
    await until('the records of both changes', () => records.getByRole('row').count(), rows => rows === 3);
    equal(await records.getByText(/POST .*able/).count(), 2, 'records that name what was done');
    await page.getByLabel('Server', { exact: true }).selectOption('search');
    await page.getByLabel('Tool, prompt or URI').fill('');
    await page.getByLabel('Outcome').selectOption('failed');
    await page.getByRole('button', { name: 'Search' }).click();
    await records.getByRole('row', { name: /unknown.*denied.*Unauthenticated/ }).waitFor();
    await page.getByLabel('Server', { exact: true }).selectOption('');
    await page.getByLabel('Since').fill('2999-01-01T00:00:00');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText(/^0 records/).waitFor();
    await page.end();
  },

  'configuration is shown, judged and loaded again': async dashboard => {
    const page = await dashboard.open('#/configuration');
    await page.getByText('The last load was good').waitFor();
    const inForce = page.getByLabel('The configuration in force');
    await until('the configuration', () => inForce.textContent(), text => text.includes('"search"'));
    const text = await inForce.textContent();
    holds(text.includes('REDACTED') && !text.includes('s3cr3t-value'), `a secret is shown: ${text}`);
    await page.getByLabel('A configuration, as its file would hold it').fill('{"servers":{"a":{"command":"x","timeoutMs":-1,"nonsense":1}}}');
    await page.getByRole('button', { name: 'Validate' }).click();
    const errors = page.getByRole('region', { name: 'Errors of this text' });
    await errors.getByText('servers.a.timeoutMs').waitFor();
    await errors.getByText('servers.a.nonsense').waitFor();
    await page.getByRole('button', { name: 'Take what is in force' }).click();
    await page.getByRole('button', { name: 'Validate' }).click();
    await page.getByText(/^Good: \d+ servers/).waitFor();
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByText('The configuration was loaded again').waitFor();
    await page.getByText('Because of').waitFor();
    await page.end();
  },
};
