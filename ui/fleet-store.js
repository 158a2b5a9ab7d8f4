// What is known of all servers: read from the API, kept right by events.

import { get, path } from './api.js';
import { events } from './events.js';

const PollMs = 5000;
const RereadMs = 1000;

class FleetStore extends EventTarget {
    /** Servers by id, in configuration order. */
    servers = new Map();

    /** Whether it was read at least once. */
    isKnown = false;

    /** Why it could not be read the last time; null = it was. */
    problem = null;

    #reading = null;
    #again = 0;
    #frame = 0;

    start() {
        events.subscribe(['server', 'rollout', 'fault', 'configuration'], (batch) => this.#take(batch));
        events.addEventListener('state', () => events.state === 'live' && this.#reread(0));
        setInterval(() => document.hidden || this.read(), PollMs);
        document.addEventListener('visibilitychange', () => document.hidden || this.read());
        return this.read();
    }

    get list() {
        return [...this.servers.values()];
    }

    /** Reads all of them. What is asked for while a read is under way waits for that one. */
    read() {
        this.#reading ??= this.#read().finally(() => {
            this.#reading = null;
        });
        return this.#reading;
    }

    async #read() {
        try {
            const { servers } = await get(path('servers'));
            this.servers = new Map(servers.map((server) => [server.id, server]));
            this.isKnown = true;
            this.problem = null;
        } catch (error) {
            this.problem = error.message;
        }

        this.#tell();
    }

    #reread(ms) {
        this.#again ||= setTimeout(() => {
            this.#again = 0;
            void this.read();
        }, ms);
    }

    #take(batch) {
        const changes = [];
        for (const event of batch) {
            const server = this.servers.get(event.server);
            if (event.type === 'server.state' && server) {
                const isOther = server.state !== event.state;
                this.servers.set(server.id, {
                    ...server, state: event.state, reason: event.reason, nextRetry: event.nextRetry, restarts: event.restarts ?? server.restarts, since: isOther ? event.at : server.since,
                });
            } else if (event.type === 'server.removed') {
                this.servers.delete(event.server);
            } else if (event.type === 'server.instances' && server) {
                this.servers.set(server.id, { ...server, replicas: event.replicas, replicasWanted: event.replicasWanted });
            }

            if (event.type === 'server.state' && event.before !== event.state) {
                changes.push(event);
            }
        }

        // The rest of what a server is stands in no event.
        this.#reread(RereadMs);
        this.#tell();
        if (changes.length > 0) {
            this.dispatchEvent(new CustomEvent('states', { detail: changes }));
        }
    }

    #tell() {
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            this.dispatchEvent(new Event('change'));
        });
    }

    /** Calls now, and after each change, once a frame at most. */
    follow(call, signal) {
        this.addEventListener('change', call, { signal });
        if (this.isKnown) {
            call();
        }
    }
}

export const fleet = new FleetStore();
