// Each action, a server that dies and a gateway that is started again while somebody looks.
import { equal, holds, until } from './browser.mjs';

const state = (dashboard, id) => async () => (await dashboard.server(id)).state;

/** Presses a button of the page of a server, and what its dialog confirms. */
async function press(page, name, confirm) {
  await page.getByRole('main').getByRole('button', { name, exact: true }).click();
  if (confirm) {
    await page.getByRole('dialog').getByRole('button', { name: confirm, exact: true }).click();
  }
}

const badge = (page, word) => page.locator('.standing .badge', { hasText: word }).waitFor();

export const actionScenarios = {
  'maintenance, with the keyboard alone': async dashboard => {
    const page = await dashboard.open('#/fleet');
    const act = page.getByRole('button', { name: 'Actions for search' });
    await act.waitFor();
    for (let i = 0; i < 100 && !await act.evaluate(node => node === document.activeElement); i++) {
      await page.keyboard.press('Tab');
    }

    await page.keyboard.press('Enter');
    const choice = page.getByRole('dialog').getByRole('button', { name: 'Maintenance' });
    await choice.waitFor();
    for (let i = 0; i < 20 && !await choice.evaluate(node => node === document.activeElement); i++) {
      await page.keyboard.press('Tab');
    }

    await page.keyboard.press('Enter');
    await page.getByLabel('Reason, for callers').waitFor();
    await page.keyboard.type('a new disk');
    await page.keyboard.press('Enter');
    await page.getByText('Maintenance: search is Maintenance: a new disk').waitFor();
    equal(await act.evaluate(node => node === document.activeElement), true, 'whether the focus is where it was');
    equal((await dashboard.server('search')).reason, 'a new disk', 'the reason');
    await page.getByRole('row', { name: /search.*Maintenance/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    equal(await page.getByRole('dialog').count(), 0, 'dialogs after Escape');
    await page.evaluate(() => { location.hash = '#/servers/search'; });
    await press(page, 'End maintenance');
    await badge(page, 'Healthy');
    await page.end();
  },

  'stop, start, disable, enable, restart': async dashboard => {
    const page = await dashboard.open('#/servers/search');
    await badge(page, 'Healthy');
    for (const [name, confirm, word] of [['Stop', 'Stop', 'Stopped'], ['Start', null, 'Healthy'], ['Disable', 'Disable', 'Disabled'], ['Enable', null, 'Healthy']]) {
      await press(page, name, confirm);
      await badge(page, word);
      await until(`search to be ${word}`, state(dashboard, 'search'), now => now === word);
    }

    const { processId } = await dashboard.server('search');
    await press(page, 'Restart');
    await until('another process', () => dashboard.server('search'), now => now.state === 'Healthy' && now.processId !== processId);
    await page.end();
  },

  'scale': async dashboard => {
    const page = await dashboard.open('#/servers/search');
    for (const replicas of ['2', '1']) {
      await page.getByRole('button', { name: 'Scale' }).click();
      await page.getByLabel('Instances').fill(replicas);
      await page.getByRole('dialog').getByRole('button', { name: 'Scale' }).click();
      await page.getByText(`${replicas} of ${replicas}`).waitFor();
      const rows = page.getByRole('region', { name: 'Each instance' }).locator('tbody tr', { hasText: /shared/ });
      const shown = await until(`${replicas} instances in the table`, () => rows.allTextContents(), all => all.length === Number(replicas) && all.every(one => one.includes('Healthy') && one.includes('MiB')));
      const { instances } = await dashboard.api('GET', '/api/v1/servers/search/instances');
      equal(instances.filter(one => one.role === 'shared').map((one, i) => shown[i].startsWith(String(one.id)) && shown[i].includes(String(one.processId))), Array(Number(replicas)).fill(true), 'whether each stands there with its process');
    }

    await page.end();
  },

  'deploy and undeploy': async dashboard => {
    const page = await dashboard.open('#/fleet');
    const { command, args } = (await dashboard.api('GET', '/api/v1/configuration')).configuration.servers.search;
    const deploy = async entry => {
      await page.getByRole('button', { name: 'Deploy a server' }).click();
      await page.getByLabel('One server').fill(entry);
      await page.getByRole('dialog').getByRole('button', { name: 'Deploy' }).click();
    };
    page.expected.push(/400/);
    await deploy('{"name":"fresh","timeoutMs":-1}');
    await page.getByRole('alert').getByText('timeoutMs').waitFor();
    await deploy(JSON.stringify({ name: 'fresh', command, args }));
    await page.getByRole('row', { name: /fresh.*Healthy/ }).waitFor();
    await page.getByRole('link', { name: 'fresh' }).click();
    await press(page, 'Undeploy', 'Undeploy');
    await page.getByText('The fleet has no such server').waitFor();
    await page.end();
  },

  'a tool is switched off and on': async dashboard => {
    const page = await dashboard.open('#/servers/library');
    await page.getByRole('button', { name: 'Disable fail' }).click();
    await page.getByText('disabled by hand').waitFor();
    await until('the tool to leave the list', async () => (await dashboard.api('GET', '/api/v1/servers/library/tools')).tools.map(tool => tool.name), names => !names.includes('fail'));
    await page.getByRole('button', { name: 'Enable fail' }).click();
    await page.getByRole('button', { name: 'Disable fail' }).waitFor();
    await page.end();
  },

  'a rollout is begun, seen and aborted': async dashboard => {
    const page = await dashboard.open('#/servers/search');
    await press(page, 'Roll out');
    await page.getByLabel('Strategy').selectOption('canary');
    await page.getByRole('dialog').getByRole('button', { name: 'Begin' }).click();
    await page.evaluate(() => { location.hash = '#/changes'; });

    // Before its fresh instance takes part, an abort would fail its beginning.
    await page.getByRole('region', { name: 'Rollouts' }).getByText('Trial').waitFor();
    await page.getByRole('button', { name: /^Abort rollout \d+ of search/ }).click();
    await page.getByLabel('Reason').fill('seen enough');
    await page.getByRole('dialog').getByRole('button', { name: 'Abort' }).click();
    await page.getByRole('region', { name: 'Rollouts' }).getByText('Aborted').first().waitFor();
    await until('the rollout to be aborted', async () => (await dashboard.api('GET', '/api/v1/rollouts')).rollouts[0].phase, phase => phase === 'Aborted');
    await page.end();
  },

  'a fault is injected and ended': async dashboard => {
    const page = await dashboard.open('#/servers/search');
    await page.getByRole('button', { name: 'Inject a fault' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Inject' }).click();
    await page.getByText('The fault latency 500 ms lies on search').waitFor();
    await page.evaluate(() => { location.hash = '#/changes'; });
    await page.getByRole('button', { name: 'End the fault latency of search' }).click();
    await until('no fault', async () => (await dashboard.api('GET', '/api/v1/faults')).active.length, count => count === 0);
    await page.getByRole('row', { name: /search.*latency.*the dashboard/ }).waitFor();
    await page.end();
  },

  'a server dies while somebody looks': async dashboard => {
    const [page, fleet] = [await dashboard.open('#/servers/search'), await dashboard.open('#/fleet', { admin: false })];
    await badge(page, 'Healthy');
    await fleet.getByRole('row', { name: /search.*Healthy/ }).waitFor();
    const before = await dashboard.server('search');
    process.kill(before.processId, 'SIGKILL');
    await page.getByText(/killed|SIGKILL|signal|exit|ended/i).first().waitFor();
    await until('the restart', () => dashboard.server('search'), now => now.state === 'Healthy' && now.restarts === before.restarts + 1);
    await badge(page, 'Healthy');
    const row = fleet.getByRole('row', { name: /search/ });
    await until('its restart in the fleet', () => row.getByRole('cell').nth(5).textContent(), text => text === String(before.restarts + 1));
    await until('the change to be read out', () => fleet.locator('#spoken').textContent(), text => text.includes('search is'));
    await page.end();
    await fleet.end();
  },

  'the gateway is started again while somebody looks': async dashboard => {
    const page = await dashboard.open('#/events');
    page.expected.push(/ERR_|401|Failed to load/);
    await page.getByRole('log').waitFor();

    // One event at least, so that there is an id to come back with.
    await dashboard.api('POST', '/api/v1/servers/search/maintenance', { on: true, reason: 'soon' });
    await page.getByRole('log').getByText('soon').waitFor();
    await dashboard.api('POST', '/api/v1/servers/search/maintenance', { on: false });
    await dashboard.restart();
    await page.getByRole('log').getByText('Fairlead was started again meanwhile').waitFor();
    await page.getByRole('status').getByText('Fairlead does not answer').waitFor({ state: 'hidden' });
    await until('the lost sign-in to be told', async () => {
      await page.evaluate(() => { location.hash = '#/configuration'; });
      return page.getByText('needs the admin token').count();
    });
    holds(await page.getByRole('button', { name: 'Sign in' }).count() === 1, 'nobody can sign in again');
    await page.end();
    await until('search to be there again', state(dashboard, 'search'), now => now === 'Healthy');
  },
};
