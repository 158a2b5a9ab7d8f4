// Searches the audit log: who did what, and what became of it.

import { get, path } from './api.js';
import { button, field, fill, h, KeyedList, select, setOptions, setText, table } from './dom.js';
import { fleet } from './fleet-store.js';
import { adminOnly, attempt } from './parts.js';
import { count, decimal, moment } from './words.js';

const PageSize = 100;

const columns = [
    { text: 'Number', class: 'number' }, { text: 'When' }, { text: 'Kind' }, { text: 'Who' }, { text: 'Server' }, { text: 'What', class: 'grow' }, { text: 'Verdict' }, { text: 'Outcome' }, { text: 'Took', class: 'number' }, { text: 'Arguments' },
];

// Browsers call themselves long names.
const brief = (client) => client.length > 30 ? `${client.slice(0, 29)}…` : client;

function row(one) {
    const node = h(
        'tr', {}, h('th', { scope: 'row', class: 'number' }, one.seq), h('td', {}, moment(one.at)), h('td', {}, one.kind),
        h('td', { title: one.client }, [one.principal, one.client ? `(${brief(one.client)})` : '', one.via ? `by ${one.via}` : ''].filter(Boolean).join(' ')), h('td', {}, one.server),
        h('td', { class: 'grow' }, [one.method, one.target, one.lost ? `${count(one.lost)} records are missing` : '', one.reason].filter(Boolean).join(' ')), h('td', { class: one.verdict === 'denied' ? 'bad' : null }, one.verdict),
        h('td', { class: one.outcome && one.outcome !== 'ok' ? 'bad' : null }, one.outcome), h('td', { class: 'number' }, one.durationMs === undefined ? '' : `${decimal(one.durationMs)} ms`),
        h('td', {}, one.argumentsDigest ? h('code', { title: one.argumentsDigest }, `${one.argumentsDigest.slice(0, 15)}…`) : null));
    return { node, update: () => undefined };
}

function build(signal) {
    const servers = select([['', 'all servers']], '');
    const kinds = select([['', 'all'], 'change', 'call', 'start', 'stop', 'gap'], '');
    const outcomes = select([['', 'all'], ['ok', 'ok'], ['failed', 'whatever failed']], '');
    const [target, principal, since] = [h('input', { type: 'search' }), h('input', { type: 'search' }), h('input', { type: 'datetime-local', step: 1 })];
    const said = h('p', { class: 'note', role: 'status' });
    const { frame, body } = table('Records, the latest first', columns);
    const list = new KeyedList(body, (one) => one.seq, row);
    const more = button('Older ones', () => read(next), { hidden: true });
    let [records, next] = [[], null];
    const read = (cursor) => attempt(async () => {
        const wanted = {
            server: servers.value, kind: kinds.value, outcome: outcomes.value, target: target.value.trim(), principal: principal.value.trim(), since: since.value && new Date(since.value).toISOString(), cursor, limit: PageSize,
        };
        const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
        const found = await get(`${path('audit')}?${query}`, signal);
        records = cursor ? [...records, ...found.records] : found.records;
        next = found.nextCursor ?? null;
        list.show(records);
        more.hidden = next === null;
        setText(said, `${count(records.length)} records${next === null ? '' : ', and older ones'}.${found.lost > 0 ? ` ${count(found.lost)} could not be kept.` : ''}`);
    });
    fleet.follow(() => setOptions(servers, [['', 'all servers'], ...fleet.servers.keys()]), signal);
    void read(null);
    const form = h(
        'form', { class: 'row', onsubmit: (event) => {
            event.preventDefault();
            void read(null);
        } },
        field('Server', servers), field('Kind', kinds), field('Tool, prompt or URI', target), field('Principal', principal), field('Outcome', outcomes), field('Since', since), h('button', { type: 'submit', class: 'main' }, 'Search'));
    const node = h('div');
    fill(node, form, said, frame, h('div', { class: 'row' }, more));
    return node;
}

export const auditPage = {
    title: () => 'Audit',
    show(root, parameters, signal) {
        root.append(adminOnly(signal, 'The audit log', build));
    },
};
