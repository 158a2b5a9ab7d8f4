using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>A batch of 2025-03-26: its messages are handled at the same time, each by itself. The answers go out as one array, or one by one on a stream when anything
/// has to be said before the last of them.</summary>
internal sealed class LegacyBatch : IDisposable
{
    /// <summary>Most messages of one batch.</summary>
    public const int MessagesMax = 256;

    private readonly McpFront _front;
    private readonly LegacyMessages _messages;
    private readonly HttpLegacyReply _http;
    private readonly LegacySession _session;
    private readonly NamedEndpoint? _cell;
    private readonly HttpContext _context;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly List<byte[]> _answers = [];

    /// <summary>For one POST.</summary>
    public LegacyBatch(McpFront front, LegacyMessages messages, HttpContext context, LegacySession session, NamedEndpoint? cell)
    {
        _front = front;
        _messages = messages;
        _http = new HttpLegacyReply(front, context, session);
        _session = session;
        _cell = cell;
        _context = context;
    }

    /// <summary>The messages of a batch, each with its scan; null when one is no message.</summary>
    public static List<(ReadOnlyMemory<byte> Body, Envelope Envelope)>? Split(ReadOnlyMemory<byte> body, ByteRange root, in ScanLimits limits)
    {
        var parts = new List<(ReadOnlyMemory<byte>, Envelope)>();
        foreach (var element in new JsonElements(body.Span, root))
        {
            var part = body.Slice(element.Start, element.Length);
            if (EnvelopeScanner.Scan(part.Span, limits, out var envelope) != ScanError.None)
            {
                return null;
            }

            parts.Add((part, envelope));
        }

        return parts;
    }

    /// <summary>Handles the batch to its end.</summary>
    /// <param name="body">The POST's body.</param>
    /// <param name="root">Where the array stands in it; the classifier has found every element good.</param>
    public async Task HandleAsync(ReadOnlyMemory<byte> body, ByteRange root)
    {
        var parts = Split(body, root, _front.Limits);
        if (parts is null || parts.Count > MessagesMax)
        {
            await JsonRpcReply.ErrorAsync(_context, StatusCodes.Status400BadRequest, -32600, $"A batch may hold {MessagesMax} messages; send the rest in another.").ConfigureAwait(false);
            return;
        }

        try
        {
            await Task.WhenAll(parts.ConvertAll(part => _messages.HandleAsync(new Part(this), _cell, _session, part.Body, part.Envelope).AsTask())).ConfigureAwait(false);
            if (_http.IsStream)
            {
                return;
            }

            if (_answers.Count == 0)
            {
                await _http.AcceptAsync().ConfigureAwait(false);
            }
            else
            {
                await _http.MessageAsync(StatusCodes.Status200OK, Join()).ConfigureAwait(false);
            }
        }
        finally
        {
            _http.End();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private byte[] Join()
    {
        var joined = new byte[_answers.Sum(static answer => answer.Length + 1) + 1];
        var at = 0;
        foreach (var answer in _answers)
        {
            joined[at++] = at == 1 ? (byte)'[' : (byte)',';
            answer.CopyTo(joined, at);
            at += answer.Length;
        }

        joined[at] = (byte)']';
        return joined;
    }

    /// <summary>Runs one thing at a time on the response that all parts share.</summary>
    private async ValueTask TakeTurnAsync(Func<HttpLegacyReply, ValueTask> turn)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            var wasStream = _http.IsStream;
            await turn(_http).ConfigureAwait(false);
            if (_http.IsStream && !wasStream)
            {
                foreach (var answer in _answers)
                {
                    await _http.SendAsync(answer).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The reply to one message of the batch.</summary>
    private sealed class Part(LegacyBatch batch) : MessageReply(batch._front)
    {
        public override CancellationToken Gone => batch._http.Gone;

        public override bool CarriesMessages => batch._http.CarriesMessages;

        public override ValueTask SendAsync(byte[] message) => batch.TakeTurnAsync(http => http.SendAsync(message));

        public override ValueTask StartAsync() => batch.TakeTurnAsync(static http => http.StartAsync());

        protected override ValueTask LastAsync(byte[] message) => batch.TakeTurnAsync(http =>
        {
            if (http.IsStream)
            {
                return http.SendAsync(message);
            }

            batch._answers.Add(message);
            return default;
        });
    }
}
