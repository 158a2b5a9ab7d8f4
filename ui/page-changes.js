// Rollouts and faults of all servers.

import { get, path, send, session } from './api.js';
import { button, fillChanged, h } from './dom.js';
import { events } from './events.js';
import { fleet } from './fleet-store.js';
import { faultTable, rolloutTable } from './changes-parts.js';
import { attempt } from './parts.js';

export const changesPage = {
    title: () => 'Rollouts and faults',
    show(root, parameters, signal) {
        const [rollouts, active, ended] = [h('div'), h('div'), h('div')];
        root.append(h('section', {}, h('h2', {}, 'Rollouts'), rollouts), h('section', {}, h('h2', {}, 'Faults that are active'), active), h('section', {}, h('h2', {}, 'Faults that have ended'), ended));
        const read = async () => {
            const [changes, faults] = await Promise.all([get(path('rollouts'), signal), get(path('faults'), signal)]);
            fillChanged(rollouts, [changes, session.isAdmin], () => rolloutTable(changes.rollouts));
            fillChanged(active, [faults.enabled, faults.active, session.isAdmin], () => [faults.enabled ? null : h('p', { class: 'note' }, 'Fault injection is off: faultInjection.enabled in the configuration allows it.'), faultTable(faults.active),
                session.isAdmin && faults.active.length > 0 ? button('End all', () => attempt(() => send('DELETE', path('faults')), (all) => `${all.ended.length} faults have ended.`), { class: 'bad' }) : null]);
            fillChanged(ended, faults.ended, () => faultTable(faults.ended));
        };
        const update = () => attempt(read);
        events.subscribe(['rollout', 'fault', 'server.added', 'server.removed'], update, signal);
        session.addEventListener('change', update, { signal });
        fleet.addEventListener('change', () => fleet.problem === null && rollouts.childElementCount === 0 && update(), { signal });
        void update();
    },
};
