// One event stream for the whole tab, of the types that somebody here wants at this moment. It is read with fetch, so that the token travels in a header.

import { headers, problemOf, session, streamEvents } from './api.js';

const QueueMax = 20_000;
const RecentMax = 500;
const WaitMin = 500;
const WaitMax = 10_000;

class EventHub extends EventTarget {
    #subscribers = new Set();
    #queue = [];
    #dropped = 0;
    #frame = 0;
    #running = null;
    #types = '';
    #last = null;

    /** What happened since this tab was opened: the last of it, without what comes only when it is asked for. */
    recent = [];

    /** 'connecting', 'live' or 'lost'. */
    state = 'connecting';

    constructor() {
        super();

        // A tab that nobody sees gives its connection back: browsers have only six for one address.
        document.addEventListener('visibilitychange', () => this.#follow());
        session.addEventListener('change', () => this.#follow(true));
    }

    /** Calls take(events) once a frame at most, with those of the types ("server" means all that begin with it) and with every gap. Ends with the signal. */
    subscribe(types, take, signal) {
        const subscriber = { types, take };
        this.#subscribers.add(subscriber);
        signal?.addEventListener('abort', () => {
            this.#subscribers.delete(subscriber);
            queueMicrotask(() => this.#follow());
        });
        queueMicrotask(() => this.#follow());
    }

    #wanted() {
        const types = new Set([...this.#subscribers].flatMap((one) => one.types));
        if (!session.isAdmin) {
            types.delete('log');
        }

        return [...types].sort().join(',');
    }

    #follow(isAnew = false) {
        const types = document.hidden ? '' : this.#wanted();
        if (types === this.#types && !isAnew) {
            return;
        }

        this.#types = types;
        this.#running?.abort();
        this.#running = null;
        if (types !== '') {
            this.#running = new AbortController();
            void this.#read(types, this.#running.signal);
        }
    }

    async #read(types, signal) {
        for (let wait = WaitMin; !signal.aborted; wait = Math.min(wait * 2, WaitMax)) {
            try {
                const after = this.#last === null ? '' : `&after=${encodeURIComponent(this.#last)}`;
                const answer = await fetch(`/api/v1/events?types=${types}${after}`, { headers: headers({ Accept: 'text/event-stream' }), signal, cache: 'no-store', credentials: 'omit' });
                if (!answer.ok) {
                    throw await problemOf(answer);
                }

                wait = WaitMin;
                this.#tell('live');
                for await (const { id, data } of streamEvents(answer.body)) {
                    this.#last = id ?? this.#last;
                    this.#push(JSON.parse(data));
                }
            } catch (error) {
                if (signal.aborted) {
                    return;
                }

                this.lostBecause = error.message;
            }

            this.#tell('lost');
            await new Promise((resolve) => {
                const timer = setTimeout(resolve, wait);
                signal.addEventListener('abort', () => {
                    clearTimeout(timer);
                    resolve();
                });
            });
        }
    }

    #tell(state) {
        this.state = state;
        this.dispatchEvent(new Event('state'));
    }

    #push(event) {
        if (this.#queue.length >= QueueMax) {
            this.#queue.splice(0, QueueMax / 2);
            this.#dropped += QueueMax / 2;
        }

        this.#queue.push(event);
        this.#frame ||= requestAnimationFrame(() => this.#flush());
    }

    #flush() {
        this.#frame = 0;
        const events = this.#queue;
        this.#queue = [];
        if (this.#dropped > 0) {
            events.unshift({ type: 'gap', at: new Date().toISOString(), lost: this.#dropped, reason: 'they came faster than this page could show them' });
            this.#dropped = 0;
        }

        this.recent = [...this.recent, ...events.filter((one) => !['call', 'health', 'log'].includes(one.type))].slice(-RecentMax);
        for (const { types, take } of this.#subscribers) {
            const wanted = events.filter((one) => one.type === 'gap' || types.some((type) => one.type === type || one.type.startsWith(`${type}.`)));
            if (wanted.length > 0) {
                take(wanted);
            }
        }
    }
}

export const events = new EventHub();
