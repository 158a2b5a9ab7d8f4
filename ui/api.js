// The public REST API: the only way that the dashboard learns or changes anything.

/** An answer that says what was wrong. */
export class Problem extends Error {
    constructor(status, title, detail) {
        super(detail);
        this.status = status;
        this.title = title;
    }
}

/** What an error says, after its word where it has one: the one by which docs, logs and programs know it. */
export const told = (error) => error.title ? `${error.title}: ${error.message}` : error.message;

const Key = 'fairlead.session';

/** What lets this tab administer. Kept as long as the tab, and never in an address. */
class Session extends EventTarget {
    get token() {
        return sessionStorage.getItem(Key);
    }

    set token(value) {
        if (value === null) {
            sessionStorage.removeItem(Key);
        } else {
            sessionStorage.setItem(Key, value);
        }

        this.dispatchEvent(new Event('change'));
    }

    get isAdmin() {
        return this.token !== null;
    }

    /** Takes the code of a link. */
    async exchange(code) {
        this.token = (await send('POST', '/api/v1/dashboard/sessions', { code })).token;
    }

    async end() {
        try {
            await send('DELETE', '/api/v1/dashboard/sessions/current');
        } finally {
            this.token = null;
        }
    }
}

export const session = new Session();

export const path = (...parts) => '/api/v1/' + parts.map(encodeURIComponent).join('/');

export function headers(more) {
    return session.token ? { ...more, Authorization: `Bearer ${session.token}` } : { ...more };
}

/** Asks, and fails with what the answer says. */
export async function ask(method, url, { body, accept, signal } = {}) {
    const answer = await fetch(url, {
        method, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
        headers: headers({ ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...(accept ? { Accept: accept } : {}) }),
        body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    if (!answer.ok) {
        throw await problemOf(answer);
    }

    return answer;
}

export async function problemOf(answer) {
    if (answer.status === 401 && session.isAdmin) {
        // Fairlead was started again, or half a day has passed.
        session.token = null;
    }

    const isJson = /json/.test(answer.headers.get('Content-Type') ?? '');
    const told = isJson ? await answer.json() : {};
    return new Problem(answer.status, told.title ?? `HTTP ${answer.status}`, told.detail ?? told.error?.message ?? `The answer was ${answer.status} without words.`);
}

export async function send(method, url, body, signal) {
    const answer = await ask(method, url, { body, signal });
    return answer.status === 204 ? null : answer.json();
}

export const get = (url, signal) => send('GET', url, undefined, signal);

/** GET of a probe, whose answer is an answer also when it says that something is not healthy. */
export async function getProbe(url, signal) {
    const answer = await fetch(url, { signal, cache: 'no-store', credentials: 'omit', headers: headers() });
    if (!answer.ok && (answer.status !== 503 || /problem/.test(answer.headers.get('Content-Type') ?? ''))) {
        throw await problemOf(answer);
    }

    return answer.json();
}

/** The events of an event stream: { id, data }. */
export async function* streamEvents(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    let id = null;
    let data = [];
    try {
        while (true) {
            const { done, value } = await reader.read();
            if (done) {
                return;
            }

            const lines = (rest + value).split('\n');
            rest = lines.pop();
            for (const raw of lines) {
                const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
                if (line === '') {
                    if (data.length > 0) {
                        yield { id, data: data.join('\n') };
                    }

                    id = null;
                    data = [];
                } else if (line.startsWith('data:')) {
                    data.push(line.slice(line[5] === ' ' ? 6 : 5));
                } else if (line.startsWith('id:')) {
                    id = line.slice(3).trim();
                }
            }
        }
    } finally {
        await reader.cancel().catch(() => undefined); // It has ended, or failed as the reader was told already.
    }
}
