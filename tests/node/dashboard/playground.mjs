// Tools are called with a form made from their schema; what comes back is shown by its kind.
import { equal, holds, until } from './browser.mjs';

const call = page => page.getByRole('button', { name: 'Call', exact: true }).click();
const result = page => page.getByLabel('Result');

/** Pictures of a question, for the README. */
export async function picturePlayground(dashboard) {
  const page = await dashboard.open('#/playground/library/book');
  await page.getByLabel('place *').selectOption('Riga');
  await page.getByLabel('day').fill('2027-03-04');
  await page.getByLabel('guests *').fill('4');
  await call(page);
  await page.getByLabel('name *').fill('Ada');
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: `${dashboard.pictures}/dashboard-playground-${scheme}.png` });
  }

  await page.end();
}

export const playgroundScenarios = {
  'a form is made from the schema': async dashboard => {
    const page = await dashboard.open('#/playground/library/fields', { admin: false });
    await page.getByLabel('text *').fill('two\nlines');
    await page.getByLabel('whole *').fill('7');
    await page.getByLabel('flag *').selectOption('false');
    await page.getByLabel('colour').selectOption('green');
    await page.getByLabel('level').selectOption('high');
    await page.getByLabel('tue').check();
    await page.getByLabel('wed').check();
    await page.getByRole('button', { name: 'Add to names' }).click();
    await page.getByLabel('names 1 *').fill('one');
    await page.getByRole('button', { name: 'Add to names' }).click();
    await page.getByRole('button', { name: 'Remove names 2' }).click();
    await page.getByLabel('city').fill('Riga');
    await page.getByLabel('region').fill('Rīga');
    await page.getByLabel('either, as JSON').fill('{"a":[1]}');
    await call(page);
    const told = result(page).locator('.contents pre');
    await told.waitFor();
    equal(JSON.parse(await told.textContent()), {
      text: 'two\nlines', whole: 7, real: 2.5, flag: false, colour: 'green', level: 2, days: ['tue', 'wed'], names: ['one'], place: { city: 'Riga' }, either: { a: [1] }, region: 'Rīga',
    }, 'the arguments that arrived');
    await page.getByRole('heading', { name: 'Structured content' }).waitFor();
    await page.getByLabel('either, as JSON').fill('{');
    await call(page);
    await page.getByRole('alert').getByText('either is no JSON').waitFor();
    await page.getByLabel('either, as JSON').fill('');
    await page.getByLabel('whole *').fill('10');
    await call(page);
    equal(await page.getByLabel('whole *').evaluate(node => node.matches(':invalid')), true, 'whether a number beyond its bound is refused');
    await page.getByLabel('as JSON', { exact: true }).check();
    await page.getByLabel('Arguments, as JSON').fill('{"free":true}');
    await call(page);
    await until('the arguments as JSON', () => told.textContent(), text => text === '{"free":true}');
    await page.end();
  },

  'a schema that is endless or mad still makes a form': async dashboard => {
    const page = await dashboard.open('#/playground/library/endless', { admin: false });
    await page.getByRole('heading', { name: 'endless' }).waitFor();
    holds(await page.locator('form textarea').count() < 400, 'the form has no bound');
    await page.getByLabel('as JSON', { exact: true }).check();
    await page.getByLabel('Arguments, as JSON').fill('{"a":{"b":{}}}');
    await call(page);
    await result(page).getByText('{"a":{"b":{}}}').first().waitFor();
    await page.evaluate(() => { location.hash = '#/playground/library/mad'; });
    await page.getByRole('heading', { name: 'mad' }).waitFor();
    await page.getByLabel(/as JSON$/).first().fill('{"a":1}');
    await call(page);
    await result(page).getByText('{"a":1}').first().waitFor();
    await page.end();
  },

  'every kind of content is shown': async dashboard => {
    const page = await dashboard.open('#/playground/library/kinds', { admin: false });
    await call(page);
    await result(page).getByText('plain text').first().waitFor();
    await until('the picture', () => result(page).getByRole('img').evaluate(node => node.naturalWidth), width => width === 1);
    equal(await result(page).locator('audio').count(), 1, 'sounds');
    await result(page).getByText('inside').first().waitFor();
    await result(page).getByText('This cannot be shown').waitFor();
    equal(await result(page).getByRole('link').count(), 0, 'links to what is no web address');
    await result(page).getByText('Raw').click();
    await result(page).getByText('"resource_link"').waitFor();
    equal(await dashboard.axe(page), [], 'findings');
    await page.end();
  },

  'progress is shown and a call is cancelled': async dashboard => {
    const page = await dashboard.open('#/playground/library/hold', { admin: false });
    await call(page);
    await page.getByText('Step 1 of 2: half of it').waitFor();
    equal(await page.getByRole('progressbar').evaluate(node => node.value / node.max), 0.5, 'the bar');
    await page.getByRole('button', { name: 'Cancel the call' }).click();
    await page.getByText('Cancelled.').waitFor();
    await until('the call to end at the gateway', async () => (await dashboard.server('library')).callsInFlight, count => count === 0);
    await page.end();
  },

  'a tool that fails says so': async dashboard => {
    const page = await dashboard.open('#/playground/library/fail', { admin: false });
    await call(page);
    await page.getByText('The tool says that it failed').waitFor();
    await result(page).getByText('it did not work').first().waitFor();
    await page.end();
  },

  'a question of the server is answered or declined': async dashboard => {
    const page = await dashboard.open('#/playground/library/ask', { admin: false });
    await call(page);
    await page.getByRole('heading', { name: 'The server asks' }).waitFor();
    await page.getByText('Who are you? <script>').waitFor();
    equal(await page.evaluate(() => document.activeElement.textContent), 'The server asks', 'where the focus is');
    equal(await dashboard.axe(page), [], 'findings');
    await page.getByLabel('name *').fill('Ada');
    await page.getByLabel('size').selectOption('large');
    await page.getByRole('button', { name: 'Answer' }).click();
    const told = result(page).locator('.contents pre');
    await told.waitFor();
    equal(JSON.parse((await told.textContent()).replace('answered ', '')), { action: 'accept', content: { name: 'Ada', size: 'large' } }, 'the answer that arrived');
    await call(page);
    await page.getByRole('button', { name: 'Decline' }).click();
    await until('the refusal to arrive', () => told.textContent(), text => text.includes('"decline"'));
    holds(await page.getByRole('heading', { name: 'The server asks' }).count() === 0, 'the question is still there');
    await page.end();
  },
};
