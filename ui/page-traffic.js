// Live rates, latencies and errors.

import { get, path } from './api.js';
import { field, h, RowList, select, setOptions, setText, table } from './dom.js';
import { events } from './events.js';
import { Plot } from './plot.js';
import { All, Traffic } from './traffic-store.js';
import { count, decimal, micros, percent } from './words.js';

const PollMs = 2000;

const perSecond = (value) => value === null || value === undefined ? '–' : `${decimal(value)}/s`;

const columns = [
    { text: 'Server', sort: 'id' }, { text: 'Rate', sort: 'rate', class: 'number' }, { text: 'p50', sort: 'p50', class: 'number' }, { text: 'p95', sort: 'p95', class: 'number' }, { text: 'p99', sort: 'p99', class: 'number' },
    { text: 'Errors', sort: 'errorRate', class: 'number' }, { text: 'Availability', sort: 'availability', class: 'number' }, { text: 'Calls', sort: 'calls', class: 'number' },
    { text: 'In flight', sort: 'inFlight', class: 'number' },
];

function row(first) {
    const cells = columns.slice(1).map(() => h('td', { class: 'number' }));
    const node = h('tr', {}, h('th', { scope: 'row' }, h('a', { href: `#/servers/${encodeURIComponent(first.id)}` }, first.id)), cells);
    return { node, update: (one) => [
        perSecond(one.rate), micros(one.p50), micros(one.p95), micros(one.p99), percent(one.errorRate), percent(one.availability), count(one.calls), count(one.inFlight),
    ].forEach((text, i) => setText(cells[i], text)) };
}

/** A server as the table shows it. */
const figures = ([id, now]) => ({
    id, rate: now.requestsPerSecond, p50: now.p50Us, p95: now.p95Us, p99: now.p99Us, errorRate: now.errorRate, availability: now.availability, calls: now.calls, inFlight: now.inFlight,
});

export const trafficPage = {
    title: () => 'Traffic',
    show(root, parameters, signal) {
        const traffic = new Traffic();
        const view = { server: All, sort: 'id', isDown: false };
        const servers = select([[All, 'all servers']], All, (value) => {
            view.server = value;
            draw();
        });
        const rate = new Plot('Calls per second', [{ label: 'calls', color: 'series-1' }], perSecond, signal);
        const latency = new Plot('Latency', [{ label: 'p50', color: 'series-1' }, { label: 'p95', color: 'series-2', dash: [6, 3] }, { label: 'p99', color: 'series-3', dash: [2, 3] }], micros, signal);
        const failures = new Plot('Errors per second', [{ label: 'errors', color: 'series-3' }], perSecond, signal);
        const { frame, body, showSort } = table('Traffic by server', columns, (key) => {
            view.isDown = view.sort === key ? !view.isDown : key !== 'id';
            view.sort = key;
            draw();
        }, true);
        const rows = new RowList(body, (one) => one.id, row);
        const missed = h('p', { class: 'note', role: 'status' });
        root.append(
            h('div', { class: 'row' }, field('Plots of', servers)), h('div', { class: 'plots' }, rate.node, latency.node, failures.node), missed,
            h('h2', {}, 'By server'), h('p', { class: 'note' }, 'Rate, latency and errors over the last minute, availability over the last five. An error is a call whose server was lost, silent or incomprehensible. Plots begin when this page is opened, and keep five minutes.'), frame, rows.more);

        function draw() {
            const kept = traffic.rows.get(view.server) ?? [];
            rate.draw(kept.map((one) => ({ at: one.at, values: [one.rate] })));
            latency.draw(kept.map((one) => ({ at: one.at, values: [one.latencies.percentile(0.5), one.latencies.percentile(0.95), one.latencies.percentile(0.99)] })));
            failures.draw(kept.map((one) => ({ at: one.at, values: [one.errors] })));
            setText(missed, kept.some((one) => one.isMissed) ? 'Some calls came faster than they could be told: their latencies are missing here. Rates and errors count them all.' : '');
            const all = Object.entries(traffic.metrics?.servers ?? {}).map(figures);
            const rank = (one) => one[view.sort] ?? -1;
            all.sort((one, other) => (rank(one) < rank(other) ? -1 : rank(one) > rank(other) ? 1 : 0) * (view.isDown ? -1 : 1));
            rows.show(all);
            showSort(view.sort, view.isDown);
            setOptions(servers, [[All, 'all servers'], ...Object.keys(traffic.metrics?.servers ?? {})]);
        }

        const poll = async () => {
            if (!document.hidden) {
                try {
                    traffic.read(await get(path('metrics'), signal), Date.now());
                    draw();
                } catch (error) {
                    // While Fairlead does not answer, the banner says so.
                    if (!signal.aborted && !(error instanceof TypeError)) {
                        throw error;
                    }
                }
            }
        };
        events.subscribe(['call'], (batch) => traffic.call(batch), signal);
        const timer = setInterval(poll, PollMs);
        signal.addEventListener('abort', () => clearInterval(timer));
        void poll();
    },
};
