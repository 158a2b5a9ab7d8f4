// All servers: how they are, why, and what can be done to them.

import { choose, deploy } from './actions.js';
import { session } from './api.js';
import { button, field, h, RowList, select, setOptions, setText, table } from './dom.js';
import { fleet } from './fleet-store.js';
import { ago, badge, needsAdmin, reason } from './parts.js';
import { count } from './words.js';

const columns = [
    { text: 'Server', sort: 'id' }, { text: 'State', sort: 'state', class: 'middle' }, { text: 'Since', sort: 'since', class: 'short' }, { text: 'Reason', class: 'grow' },
    { text: 'Tools', sort: 'tools', class: 'number short' }, { text: 'In flight', sort: 'callsInFlight', class: 'number short' }, { text: 'Restarts', sort: 'restarts', class: 'number short' }, { text: 'Actions', class: 'short' },
];

// What needs somebody comes first.
const urgency = ['CrashLoop', 'Unhealthy', 'AuthRequired', 'MissingAuth', 'Degraded', 'Maintenance', 'Initializing', 'Stopped', 'Disabled', 'Idle', 'Healthy'];

/** What was chosen stays chosen while the tab is open. */
const view = { text: '', state: '', sort: '', isDown: false };

function compare(one, other) {
    const [a, b] = view.sort === 'state' ? [urgency.indexOf(one.state), urgency.indexOf(other.state)] : [one[view.sort], other[view.sort]];
    return (a < b ? -1 : a > b ? 1 : 0) * (view.isDown ? -1 : 1);
}

function row(server) {
    let current = server;
    const link = h('a', { href: `#/servers/${encodeURIComponent(server.id)}` }, server.id);
    const title = h('span', { class: 'note' });
    const state = badge(server.state);
    const since = ago(server.since);
    const why = reason();
    const [tools, inFlight, restarts] = [h('td', { class: 'number' }), h('td', { class: 'number' }), h('td', { class: 'number' })];
    const act = button('Actions', () => choose(current), { 'aria-label': `Actions for ${server.id}`, 'aria-haspopup': 'dialog', class: 'admin' });
    const node = h('tr', {}, h('th', { scope: 'row' }, link, title), h('td', {}, state.node), h('td', {}, since.node), h('td', { class: 'grow' }, why.node), tools, inFlight, restarts, h('td', {}, act));
    return { node, update: (now) => {
        current = now;
        setText(title, now.title === now.id ? '' : now.title);
        state.update(now.state);
        since.update(now.since);
        why.update(now);
        setText(tools, count(now.tools));
        setText(inFlight, now.callsWaiting > 0 ? `${count(now.callsInFlight)} (+${count(now.callsWaiting)} waiting)` : count(now.callsInFlight));
        setText(restarts, count(now.restarts));
        act.disabled = !session.isAdmin;
    } };
}

export const fleetPage = {
    title: () => 'Fleet',
    show(root, parameters, signal) {
        const summary = h('p', { class: 'summary' });
        const search = h('input', { type: 'search', value: view.text, oninput: () => {
            view.text = search.value;
            update();
        } });
        const states = select([['', 'all states']], '', (value) => {
            view.state = value;
            update();
        });
        const { frame, body, showSort } = table('Servers', columns, (key) => {
            view.isDown = view.sort === key && !view.isDown;
            view.sort = key;
            update();
        }, true);
        const rows = new RowList(body, (server) => server.id, row);
        const none = h('p', { class: 'note' });
        const locked = needsAdmin('Changing something');
        const add = button('Deploy a server', deploy);
        root.append(summary, h('div', { class: 'row' }, field('Filter', search), field('State', states), add), locked, frame, rows.more, none);
        session.addEventListener('change', update, { signal });
        fleet.follow(update, signal);

        function update() {
            const all = fleet.list;
            const tally = new Map();
            all.forEach((server) => tally.set(server.state, (tally.get(server.state) ?? 0) + 1));
            const known = urgency.filter((state) => tally.has(state));
            setText(summary, all.length === 0 ? '' : `${count(all.length)} servers: ${known.map((state) => `${count(tally.get(state))} ${state}`).join(', ')}.`);
            setOptions(states, [['', 'all states'], ...known.map((state) => [state, `${state} (${tally.get(state)})`])], view.state);
            view.state = states.value;
            const wanted = view.text.trim().toLowerCase();
            const shown = all.filter((server) => (!view.state || server.state === view.state)
                && (!wanted || [server.id, server.title, server.reason ?? '', server.type, ...server.tags].some((text) => text.toLowerCase().includes(wanted))));
            if (view.sort) {
                shown.sort(compare);
            }

            showSort(view.sort, view.isDown);
            rows.show(shown);
            setText(none, shown.length > 0 || !fleet.isKnown ? '' : all.length === 0 ? 'The fleet has no server.' : 'No server fits the filter.');
            locked.hidden = session.isAdmin;
            add.hidden = !session.isAdmin;
        }
    },
};
