using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Http;

/// <summary>
/// The events of one session's streams, kept so that a client can resume any of them (2025-11-25 basic/transports, Resumability). An event id is
/// <c>stream:number</c>. Bounded by the life of the session, which in this fixture is one scenario.
/// </summary>
internal sealed class ReplayStore : ISseEventStreamStore
{
    private readonly ConcurrentDictionary<string, StoredStream> _streams = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ValueTask<ISseEventStreamWriter> CreateStreamAsync(SseEventStreamOptions options, CancellationToken cancellationToken = default)
    {
        var stream = new StoredStream(options);
        _streams[stream.StreamId] = stream;
        return ValueTask.FromResult<ISseEventStreamWriter>(stream);
    }

    /// <inheritdoc/>
    public ValueTask<ISseEventStreamReader?> GetStreamReaderAsync(string lastEventId, CancellationToken cancellationToken = default)
    {
        var colon = lastEventId.LastIndexOf(':');
        if (colon > 0
            && int.TryParse(lastEventId.AsSpan(colon + 1), CultureInfo.InvariantCulture, out var number)
            && _streams.TryGetValue(lastEventId[..colon], out var stream))
        {
            return ValueTask.FromResult<ISseEventStreamReader?>(new StoredStreamReader(stream, number));
        }

        return ValueTask.FromResult<ISseEventStreamReader?>(null);
    }

    /// <summary>Writes what the reader yields to a response, event by event.</summary>
    public static async Task CopyAsync(ISseEventStreamReader reader, Stream response, CancellationToken cancellationToken)
    {
        await response.FlushAsync(cancellationToken);
        await SseFormatter.WriteAsync(reader.ReadEventsAsync(cancellationToken), response, Format, cancellationToken);

        static void Format(SseItem<JsonRpcMessage?> item, IBufferWriter<byte> output)
        {
            if (item.Data is not null)
            {
                using var json = new Utf8JsonWriter(output);
                JsonSerializer.Serialize(json, item.Data, McpJsonUtilities.DefaultOptions);
            }
        }
    }

    private sealed class StoredStream(SseEventStreamOptions options) : ISseEventStreamWriter
    {
        private readonly Lock _gate = new();
        private readonly List<SseItem<JsonRpcMessage?>> _events = [];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _complete;

        public string SessionId => options.SessionId;

        public string StreamId => options.StreamId;

        // Polling: a resumed stream ends as soon as it has delivered something and nothing more is there.
        public SseEventStreamMode Mode { get; private set; } = options.Mode;

        public ValueTask SetModeAsync(SseEventStreamMode mode, CancellationToken cancellationToken = default)
        {
            Mode = mode;
            return ValueTask.CompletedTask;
        }

        public ValueTask<SseItem<JsonRpcMessage?>> WriteEventAsync(SseItem<JsonRpcMessage?> sseItem, CancellationToken cancellationToken = default)
        {
            lock (_gate)
            {
                var stored = new SseItem<JsonRpcMessage?>(sseItem.Data, sseItem.EventType)
                {
                    EventId = string.Create(CultureInfo.InvariantCulture, $"{StreamId}:{_events.Count}"),
                    ReconnectionInterval = sseItem.ReconnectionInterval,
                };
                _events.Add(stored);
                Signal_NeedsLock();
                return ValueTask.FromResult(stored);
            }
        }

        public ValueTask DisposeAsync()
        {
            lock (_gate)
            {
                _complete = true;
                Signal_NeedsLock();
            }

            return ValueTask.CompletedTask;
        }

        public (SseItem<JsonRpcMessage?>[] Events, bool Complete, Task Changed) After(int number)
        {
            lock (_gate)
            {
                return ([.. _events.Skip(number + 1)], _complete, _changed.Task);
            }
        }

        private void Signal_NeedsLock()
        {
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class StoredStreamReader(StoredStream stream, int last) : ISseEventStreamReader
    {
        public string SessionId => stream.SessionId;

        public string StreamId => stream.StreamId;

        public async IAsyncEnumerable<SseItem<JsonRpcMessage?>> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            var next = last;
            while (true)
            {
                var (events, complete, changed) = stream.After(next);
                foreach (var item in events)
                {
                    next++;
                    yield return item;
                }

                if (complete || (events.Length > 0 && stream.Mode == SseEventStreamMode.Polling))
                {
                    yield break;
                }

                await changed.WaitAsync(cancellationToken);
            }
        }
    }
}
