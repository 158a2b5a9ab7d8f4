// What can be done to a server.

import { path, send } from './api.js';
import { fleet } from './fleet-store.js';
import { attempt, dialog } from './parts.js';

const post = (verb, body) => (server) => send('POST', path('servers', server.id, verb), body ?? {});

const isOut = (server) => server.state === 'Maintenance' || Boolean(server.byHand?.maintenance);

/** id, label, note; fits(server); ask(server): what to ask before, null = nothing; run(server, values). */
export const actions = [
    { id: 'restart', label: 'Restart', note: 'ends its processes after the calls in flight, and starts it again', fits: (server) => server.state !== 'Disabled' && !isOut(server), run: post('restart') },
    { id: 'start', label: 'Start', note: 'starts it again', fits: (server) => ['Stopped', 'CrashLoop', 'Unhealthy', 'AuthRequired', 'Idle'].includes(server.state), run: post('start') },
    {
        id: 'stop', label: 'Stop', note: 'ends its processes until somebody starts it', isBad: true, fits: (server) => !['Stopped', 'Disabled'].includes(server.state), run: post('stop'),
        ask: (server) => ({ title: `Stop ${server.id}?`, text: 'Its entries leave the lists of all clients, and calls fail until it is started.', confirm: 'Stop', isBad: true }),
    },
    { id: 'enable', label: 'Enable', note: 'makes it part of the fleet again', fits: (server) => server.state === 'Disabled', run: post('enable') },
    {
        id: 'disable', label: 'Disable', note: 'takes it out of the fleet, also after a restart of Fairlead', isBad: true, fits: (server) => server.state !== 'Disabled', run: post('disable'),
        ask: (server) => ({ title: `Disable ${server.id}?`, text: 'Its entries leave the lists of all clients until it is enabled, also after a restart of Fairlead.', confirm: 'Disable', isBad: true }),
    },
    {
        id: 'maintenance', label: 'Maintenance', note: 'calls fail with the reason that you give', fits: (server) => !isOut(server) && server.state !== 'Disabled',
        ask: (server) => ({ title: `Maintenance of ${server.id}`, text: 'Its lists stay; calls fail at once with this reason.', fields: [{ name: 'reason', label: 'Reason, for callers', required: true }], confirm: 'Begin' }),
        run: (server, { reason }) => post('maintenance', { on: true, reason })(server),
    },
    { id: 'maintenance-off', label: 'End maintenance', note: 'takes calls again', fits: isOut, run: post('maintenance', { on: false }) },
    {
        id: 'scale', label: 'Scale', note: 'sets the number of instances that share its calls', fits: (server) => server.state !== 'Disabled',
        ask: (server) => ({ title: `Scale ${server.id}`, fields: [{ name: 'replicas', label: 'Instances', type: 'number', min: 1, step: 1, value: server.replicasWanted, required: true }], confirm: 'Scale' }),
        run: (server, { replicas }) => post('scale', { replicas: Number(replicas) })(server),
    },
    {
        id: 'rollout', label: 'Roll out', note: 'replaces its instances by fresh ones, under watch', fits: (server) => ['Healthy', 'Degraded'].includes(server.state) && server.transport !== 'in-process',
        ask: (server) => ({
            title: `Replace the instances of ${server.id}`, confirm: 'Begin',
            fields: [{ name: 'strategy', label: 'Strategy', options: ['rolling', 'blue-green', 'canary', 'shadow', 'recreate'] }, { name: 'percent', label: 'Share of the calls, % (canary and shadow)', type: 'number', min: 1, max: 99, value: 10 }],
        }),
        run: (server, { strategy, percent }) => post('rollouts', ['canary', 'shadow'].includes(strategy) ? { strategy, percent: Number(percent) } : { strategy })(server),
    },
    {
        id: 'undeploy', label: 'Undeploy', note: 'removes it from the fleet', isBad: true, fits: (server) => server.owner === 'api', run: (server) => send('DELETE', path('servers', server.id)),
        ask: (server) => ({ title: `Undeploy ${server.id}?`, text: 'It leaves the fleet for good.', confirm: 'Undeploy', isBad: true }),
    },
];

/** Asks what the action needs to know, does it and tells how it went. */
export async function perform(action, server) {
    const values = action.ask ? await dialog(action.ask(server)) : {};
    if (values === null) {
        return;
    }

    await attempt(() => action.run(server, values), (now) => now?.state ? `${action.label}: ${server.id} is ${now.state}${now.reason ? `: ${now.reason}` : ''}.` : `${action.label}: done for ${server.id}.`);
    await fleet.read();
}

/** Lets somebody choose among the actions that fit a server. */
export async function choose(server) {
    const fitting = actions.filter((action) => action.fits(server));
    const action = await dialog({ title: `Actions for ${server.id}`, text: `It is ${server.state}${server.reason ? `: ${server.reason}` : ''}.`, choices: fitting });
    if (action) {
        await perform(action, fleet.servers.get(server.id) ?? server);
    }
}

/** Asks for a new server and deploys it. */
export async function deploy() {
    const values = await dialog({
        title: 'Deploy a server', confirm: 'Deploy',
        fields: [{ name: 'entry', label: 'One server in the words of the configuration, as JSON', rows: 8, required: true, value: '{\n  "name": "",\n  "command": "",\n  "args": []\n}' }],
    });
    if (values) {
        await attempt(() => send('POST', path('servers'), values.entry), (server) => `${server.id} is ${server.state}.${server.warnings ? ` ${server.warnings.join(' ')}` : ''}`);
        await fleet.read();
    }
}
