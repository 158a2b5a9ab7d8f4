using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>The session of one connection to a legacy server: its id, its renewal after the server forgot it, and its own event stream.</summary>
/// <remarks>
/// Owns the id and the stream. Any thread may read <see cref="Id"/>; a new one is taken only from the answer to <c>initialize</c>. Only one renewal
/// runs at a time, and requests wait for it. A server without sessions has the id null and nothing to renew.
/// </remarks>
internal sealed class UpstreamSession
{
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);

    private readonly HttpConnection _connection;
    private readonly ServerStream _stream;
    private readonly Lock _gate = new();
    private byte[] _initializeMembers = [];
    private volatile string? _id;
    private volatile Task<bool>? _renewal;
    private volatile bool _hasBegun;
    private volatile bool _isProved = true;

    /// <summary>No session yet.</summary>
    public UpstreamSession(HttpConnection connection)
    {
        _connection = connection;
        _stream = new ServerStream(connection);
    }

    /// <summary>The server's id for this session; null before it has begun and for servers without sessions.</summary>
    public string? Id => _id;

    /// <summary>Whether <c>initialize</c> has been sent.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>Why reading of the session's stream pauses, or null.</summary>
    public string? FloodReason => _stream.FloodReason;

    /// <summary><c>initialize</c> is sent; its params are kept for a renewal.</summary>
    /// <param name="message">The request.</param>
    /// <param name="envelope">Its scan.</param>
    public void Begin(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        var token = envelope.Params.Of(message);
        _initializeMembers = token.Length < 2 ? [] : token[1..^1].ToArray();
        _hasBegun = true;
    }

    /// <summary>The server accepted <c>initialize</c>.</summary>
    /// <param name="id">The session it opened; null when it has none.</param>
    public void Opened(string? id) => _id = string.IsNullOrEmpty(id) ? null : id;

    /// <summary>The server accepted a request of session <paramref name="id"/>.</summary>
    public void Prove(string? id)
    {
        if (!_isProved && id == _id)
        {
            _isProved = true;
        }
    }

    /// <summary>Completes when no renewal is under way, whatever became of it.</summary>
    public Task WhenReadyAsync(CancellationToken cancellationToken) => _renewal is { IsCompleted: false } renewal ? renewal.WaitAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Opens another session instead of one that the server no longer knows.</summary>
    /// <param name="endedId">The id that was refused. When another is valid already, nothing happens.</param>
    /// <param name="cancellationToken">Ends the wait, not the renewal.</param>
    /// <returns>False when there is none: the connection has been lost then.</returns>
    public Task<bool> RenewAsync(string? endedId, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_renewal is { IsCompleted: false } running)
            {
                return running.WaitAsync(cancellationToken);
            }

            if (_id != endedId)
            {
                return Task.FromResult(true);
            }

            var renewal = Task.Run(RenewAsync, CancellationToken.None);
            _renewal = renewal;
            _connection.Work.Add(renewal);
            return renewal.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Tells the server that the handshake is over and opens the session's event stream; returns when the server has accepted both or refused.</summary>
    /// <remarks>Servers ask their questions on that stream and drop them when it is not there: it must be open before the first call goes out.</remarks>
    public async Task ConfirmAsync(CancellationToken cancellationToken)
    {
        await _connection.PostAsync(OutboundFrame.Copy("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"u8), cancellationToken).ConfigureAwait(false);
        await _stream.StartAsync(_id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes the stream and tells the server that the session has ended; waits 2 s at most.</summary>
    public async Task CloseAsync()
    {
        await _stream.StopAsync().ConfigureAwait(false);
        if (_id is not { } id)
        {
            return;
        }

        using var limit = new CancellationTokenSource(s_goodbye, _connection.Sweeper.TimeProvider);
        using var request = _connection.Endpoint.CreateRequest(HttpMethod.Delete, "application/json, text/event-stream");
        _connection.AddLegacyHeaders(request, id);
        try
        {
            // Whatever the server answers (2xx, 404, 405): it has been told.
            using var response = await _connection.Endpoint.SendAsync(request, limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            _connection.LogGoodbyeFailed(exception.Message);
        }
    }

    private async Task<bool> RenewAsync()
    {
        if (!_isProved)
        {
            _connection.LoseSession("it forgets each session at once (HTTP 404 on the first request of a new one)");
            return false;
        }

        _connection.LogSessionEnded();
        _isProved = false;
        try
        {
            await _stream.StopAsync().ConfigureAwait(false);
            var answer = await ControlRequest.SendAsync(
                _connection, McpMethod.Initialize, _initializeMembers, modern: false, _connection.Limits.RequestTimeout, _connection.Stopping).ConfigureAwait(false);
            if (!answer.IsResult || Handshake.ReadInitialize(answer) is not { } identity)
            {
                _connection.LoseSession($"its session ended and it opened no other: {answer.Describe()}");
                return false;
            }

            _connection.Identity = identity;
            await ConfirmAsync(_connection.Stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        _connection.Verbosity.Forget();
        _connection.SessionRenewed?.Invoke(_connection);
        return true;
    }
}
