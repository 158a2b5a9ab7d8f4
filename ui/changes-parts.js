// Rollouts and faults, as their own page and the page of a server show them.

import { get, path, send, session } from './api.js';
import { button, h, table } from './dom.js';
import { fleet } from './fleet-store.js';
import { at, attempt, dialog } from './parts.js';
import { count, decimal, fault } from './words.js';

const server = (id) => h('a', { href: `#/servers/${encodeURIComponent(id)}` }, id);

/** A table of rollouts; those that run can be ended. */
export function rolloutTable(rollouts) {
    if (rollouts.length === 0) {
        return h('p', { class: 'note' }, 'None since Fairlead was started.');
    }

    const { frame, body } = table('Rollouts', [
        { text: 'Server' }, { text: 'Number', class: 'number' }, { text: 'Strategy' }, { text: 'Phase' }, { text: 'Begun' }, { text: 'Calls', class: 'number' }, { text: 'Failures', class: 'number' }, { text: 'p99', class: 'number' },
        { text: 'Reason', class: 'grow' }, { text: 'Actions' },
    ]);
    body.append(...rollouts.map((one) => h('tr', {},
        h('th', { scope: 'row' }, server(one.server)), h('td', { class: 'number' }, one.number), h('td', {}, one.percent > 0 && one.percent < 100 ? `${one.strategy}, ${one.percent} %` : one.strategy),
        h('td', {}, one.phase), h('td', {}, at(one.startedAt)), h('td', { class: 'number' }, count(one.calls)), h('td', { class: 'number' }, count(one.failures)),
        h('td', { class: 'number' }, one.latencyP99Ms ? `${decimal(one.latencyP99Ms)} ms` : '–'), h('td', { class: 'grow' }, one.reason),
        h('td', {}, one.isRunning && session.isAdmin ? [
            button('Promote', () => end(one, 'promote', {}), { 'aria-label': `Promote rollout ${one.number} of ${one.server}` }),
            button('Abort', () => abort(one), { class: 'bad', 'aria-label': `Abort rollout ${one.number} of ${one.server}` }),
        ] : null))));
    return frame;
}

const end = (one, verb, body) => attempt(() => send('POST', path('servers', one.server, 'rollouts', verb), body), (now) => `Rollout ${now.number} of ${now.server} is ${now.phase}.`).then(() => fleet.read());

async function abort(one) {
    const values = await dialog({ title: `Abort rollout ${one.number} of ${one.server}?`, fields: [{ name: 'reason', label: 'Reason' }], confirm: 'Abort', isBad: true });
    if (values) {
        await end(one, 'abort', values.reason ? { reason: values.reason } : {});
    }
}

/** A table of faults; those that are active can be ended. */
export function faultTable(faults) {
    if (faults.length === 0) {
        return h('p', { class: 'note' }, 'None.');
    }

    const { frame, body } = table('Faults', [{ text: 'Server' }, { text: 'Fault' }, { text: 'Begun' }, { text: 'Ends' }, { text: 'Calls', class: 'number' }, { text: 'By' }, { text: 'End', class: 'grow' }, { text: 'Actions' }]);
    body.append(...faults.map((one) => h('tr', {},
        h('th', { scope: 'row' }, server(one.server)), h('td', {}, fault(one)), h('td', {}, at(one.startedAt)), h('td', {}, at(one.endedAt ?? one.endsAt)), h('td', { class: 'number' }, count(one.callsAffected)),
        h('td', {}, one.by), h('td', { class: 'grow' }, one.endReason),
        h('td', {}, !one.endedAt && session.isAdmin ? button('End', () => attempt(() => send('DELETE', path('faults', one.id)), `The fault ${one.kind} of ${one.server} has ended.`).then(() => fleet.read()),
            { 'aria-label': `End the fault ${one.kind} of ${one.server}` }) : null))));
    return frame;
}

/** Asks for a fault and injects it. */
export async function injectFault({ id }) {
    const known = await attempt(() => get(path('faults')));
    if (known && !known.enabled) {
        await dialog({ title: 'Faults are off', text: 'Set faultInjection.enabled in the configuration to allow drills.', confirm: 'OK' });
        return;
    }

    const values = known && await dialog({
        title: `Inject a fault into ${id}`, confirm: 'Inject', isBad: true,
        fields: [
            { name: 'kind', label: 'Kind', options: ['latency', 'error', 'disconnect', 'partition', 'crash', 'stall'] },
            { name: 'latencyMs', label: 'Latency, ms (latency)', type: 'number', min: 1, value: 500 }, { name: 'percent', label: 'Share of the calls, % (latency, error, partition)', type: 'number', min: 1, max: 100, value: 100 },
            { name: 'seconds', label: 'For so many seconds (not disconnect and crash)', type: 'number', min: 1, value: 30 },
        ],
    });
    if (values) {
        const body = { kind: values.kind, by: 'the dashboard' };
        if (!['disconnect', 'crash'].includes(values.kind)) {
            body.durationMs = Number(values.seconds) * 1000;
        }

        if (['latency', 'error', 'partition'].includes(values.kind)) {
            body.percent = Number(values.percent);
        }

        if (values.kind === 'latency') {
            body.latencyMs = Number(values.latencyMs);
        }

        await attempt(() => send('POST', path('servers', id, 'faults'), body), (one) => one.endedAt ? `The fault ${fault(one)} was done to ${id}.` : `The fault ${fault(one)} lies on ${id}.`);
        await fleet.read();
    }
}
