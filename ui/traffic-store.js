// Rates from the counts of /api/v1/metrics, every two seconds; latencies and errors by kind from the events of calls in between.

import { Latencies } from './latencies.js';

const KeptMax = 150;

/** All servers together stand under this name, which no server can have. */
export const All = '';

export class Traffic {
    /** By server, and under All: rows of { at, rate, errors, latencies }, the oldest first. */
    rows = new Map();

    /** What /api/v1/metrics said last. */
    metrics = null;

    #before = null;
    #latencies = new Map();
    #missed = false;

    /** Takes events of calls. */
    call(batch) {
        for (const one of batch) {
            if (one.type === 'gap') {
                this.#missed = true;
            } else {
                const us = (one.durationMs ?? 0) * 1000;
                this.#latenciesOf(one.server).add(us);
                this.#latenciesOf(All).add(us);
            }
        }
    }

    /** Takes what /api/v1/metrics said at a time, in ms. */
    read(metrics, at) {
        const before = this.#before;
        this.#before = { metrics, at };
        this.metrics = metrics;
        if (before === null || at <= before.at) {
            this.#latencies.clear();
            return;
        }

        const seconds = (at - before.at) / 1000;
        let [calls, failed] = [0, 0];
        for (const [server, now] of Object.entries(metrics.servers)) {
            const old = before.metrics.servers[server] ?? { calls: 0, failed: 0 };
            const [more, bad] = [Math.max(0, now.calls - old.calls), Math.max(0, now.failed - old.failed)];
            calls += more;
            failed += bad;
            this.#add(server, at, more / seconds, bad / seconds);
        }

        this.#add(All, at, calls / seconds, failed / seconds);
        for (const server of this.rows.keys()) {
            if (server !== All && !(server in metrics.servers)) {
                this.rows.delete(server);
            }
        }

        this.#latencies.clear();
        this.#missed = false;
    }

    #add(server, at, rate, errors) {
        const rows = this.rows.get(server) ?? [];
        rows.push({ at, rate, errors, latencies: this.#latencies.get(server) ?? new Latencies(), isMissed: this.#missed });
        if (rows.length > KeptMax) {
            rows.shift();
        }

        this.rows.set(server, rows);
    }

    #latenciesOf(server) {
        let latencies = this.#latencies.get(server);
        if (!latencies) {
            this.#latencies.set(server, latencies = new Latencies());
        }

        return latencies;
    }
}
