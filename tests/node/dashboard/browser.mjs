// Chromium, with everything that must never happen on a page counted as a failure of whoever opened it.
import { readFileSync } from 'node:fs';

export class Dashboard {
  #browser;
  #axe;

  constructor(browser, { url, token, axe }) {
    this.#browser = browser;
    this.url = url;
    this.token = token;
    this.#axe = readFileSync(axe, 'utf8');
  }

  /** The REST API as an administrator sees it. */
  async api(method, path, body) {
    const answer = await fetch(this.url + path, {
      method, headers: { Authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    }

    return text === '' ? null : JSON.parse(text);
  }

  server(id) {
    return this.api('GET', `/api/v1/servers/${id}`);
  }

  async link() {
    return this.url + (await this.api('POST', '/api/v1/dashboard/codes', {})).path;
  }

  /** A page of a browser that nobody has used; signed in unless it is said otherwise. */
  async open(hash = '#/fleet', { admin = true, scheme = 'light', width = 1280, height = 800 } = {}) {
    const context = await this.#browser.newContext({ colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const wrong = [];

    // The browser tells of each status that is none of success; of a probe that is an answer like another.
    page.expected = [/503 .*health\?depth=history/];
    page.on('console', message => ['error', 'warning'].includes(message.type()) && wrong.push(`console: ${message.text()} ${message.location().url ?? ''}`));
    page.on('pageerror', error => wrong.push(`error: ${error.stack}`));
    page.on('request', request => /^(data|blob):/.test(request.url()) || new URL(request.url()).origin === this.url || wrong.push(`a request left the origin: ${request.url()}`));
    page.on('dialog', dialog => (wrong.push(`a dialog of the browser: ${dialog.message()}`), dialog.dismiss()));
    page.end = async () => {
      const owned = await page.evaluate(() => window.owned);
      await context.close();
      const left = wrong.filter(one => !page.expected.some(pattern => pattern.test(one)));
      if (owned !== undefined) {
        left.push(`text of a server ran as script: window.owned = ${owned}`);
      }

      if (left.length > 0) {
        throw new Error(left.join('\n'));
      }
    };
    if (admin) {
      await page.goto(await this.link());
      await page.getByRole('button', { name: 'Sign out' }).waitFor();
      await page.evaluate(to => { location.hash = to; }, hash);
    } else {
      await page.goto(`${this.url}/dashboard/${hash}`);
    }

    await page.locator('h1').waitFor();
    return page;
  }

  /** What axe finds that is serious or critical. */
  async axe(page) {
    await page.evaluate(this.#axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    return violations.filter(one => ['serious', 'critical'].includes(one.impact))
      .map(one => `axe: ${one.id} (${one.impact}): ${one.help}: ${one.nodes.map(node => `${node.target} ${node.failureSummary}`).slice(0, 4).join(' | ')}`);
  }
}

/** Waits until a check holds; its failure says what was awaited and what there was instead. */
export async function until(what, check, isGood = Boolean) {
  let last;
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 50))) {
    last = await check();
    if (isGood(last)) {
      return last;
    }
  }

  throw new Error(`waited in vain for ${what}; last: ${JSON.stringify(last)}`);
}

export function equal(actual, expected, what) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

export function holds(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}
