using System.Threading.Channels;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Microsoft.Extensions.Logging;

namespace Fairlead.Catalog;

/// <summary>Owns the lists of all servers: takes what servers said, publishes what each endpoint offers, and tells of changes that clients can see.</summary>
/// <remarks>
/// One loop writes. Callers wait for their turn in a mailbox of 100 (senders wait when it is full) and return when their change can be read. Changes that wait together
/// are published together, so a thousand servers that start at once do not build the aggregate a thousand times.
/// The order of servers is that of <see cref="Fleet.Current"/>; servers that are Disabled or Stopped are left out of the aggregate.
/// </remarks>
internal sealed partial class Catalogue : IAsyncDisposable
{
    private const int MailboxCapacity = 100;

    // Senders that wait fill the mailbox as it is emptied, so a batch can take more than it holds. The bound keeps the first of a batch from waiting for an endless rest.
    private const int BatchMax = 1_000;

    private readonly Channel<Message> _mailbox = Channel.CreateBounded<Message>(
        new BoundedChannelOptions(MailboxCapacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Fleet _fleet;
    private readonly NamingPolicy _naming;
    private readonly CatalogStore? _store;
    private readonly ILogger _logger;
    private readonly Task _loop;

    // Only the loop touches these.
    private readonly Dictionary<ServerCell, CatalogSource> _sources = [];
    private CatalogSource[] _offered = [];
    private bool _isBuilt;

    private volatile IReadOnlyList<string> _notes = [];

    /// <summary>Starts the loop. Nothing is published before the first change.</summary>
    /// <param name="fleet">Where servers are found and snapshots are published.</param>
    /// <param name="naming">How names are kept apart on the aggregate endpoint.</param>
    /// <param name="store">Keeps lists over restarts; null: nothing is kept. The caller disposes of it.</param>
    /// <param name="logger">Where entries that cannot be offered are told.</param>
    public Catalogue(Fleet fleet, NamingPolicy naming, CatalogStore? store, ILogger logger)
    {
        _fleet = fleet;
        _naming = naming;
        _store = store;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Why entries are not offered on the aggregate endpoint, in sentences; of the moment.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>What was known of a server when it last ran: for the first snapshot of its cell, before it starts.</summary>
    /// <returns><see cref="ServerCatalog.Empty"/> when nothing is known.</returns>
    public ServerCatalog LoadKnown(ServerConfig config) =>
        _store?.Load(config) ?? ServerCatalog.Empty;

    /// <summary>Takes a server's lists and keeps them for the next start. Returns when they can be read; at once after <see cref="DisposeAsync"/>, changing nothing.</summary>
    /// <param name="cell">The server. While it is not in the fleet only its own endpoint is published, and nothing is kept for the time when it is.</param>
    /// <param name="catalog">What it said.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    public async Task UpdateServerAsync(ServerCell cell, ServerCatalog catalog, CancellationToken cancellationToken)
    {
        var isNew = await SendAsync(new Message(cell, catalog), cancellationToken).ConfigureAwait(false);
        if (isNew && _store is not null)
        {
            await _store.SaveAsync(cell.Current.Config, catalog, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Looks at the fleet again: after servers were added, removed, reordered, switched on or off, or their <c>expose</c> has changed. Servers that are new begin with the lists in their snapshot.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => SendAsync(new Message(null, null), cancellationToken);

    /// <summary>Takes a server that has left the fleet off the aggregate and forgets what is kept of it on the disk.</summary>
    public async Task RemoveServerAsync(ServerCell cell, CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        _store?.Forget(cell.Name);
    }

    /// <summary>Publishes what was sent before and ends the loop.</summary>
    public async ValueTask DisposeAsync()
    {
        _mailbox.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task<bool> SendAsync(Message message, CancellationToken cancellationToken)
    {
        try
        {
            await _mailbox.Writer.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            return false;
        }

        return await message.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        var batch = new List<(Message Message, bool IsNew)>(MailboxCapacity);
        while (await _mailbox.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            try
            {
                while (batch.Count < BatchMax && _mailbox.Reader.TryRead(out var message))
                {
                    batch.Add((message, false));
                    batch[^1] = (message, Take(message));
                }

                Publish();
                batch.ForEach(static item => item.Message.Done.TrySetResult(item.IsNew));
            }
            catch (Exception exception)
            {
                // The edge of the loop: whoever asked learns of the fault, and the next change is tried afresh.
                LogFault(_logger, exception);
                batch.ForEach(item => item.Message.Done.TrySetException(exception));
            }
        }
    }

    /// <summary>Notes a message; returns whether it brought lists other than those known.</summary>
    private bool Take(Message message)
    {
        if (message is not { Cell: { } cell, Catalog: { } catalog } || (_sources.TryGetValue(cell, out var source) && CatalogComparison.AreEqual(source.Catalog, catalog)))
        {
            return false;
        }

        Offer(cell, catalog);
        return true;
    }

    /// <summary>Publishes a server's own endpoint.</summary>
    private void Offer(ServerCell cell, ServerCatalog catalog)
    {
        var options = cell.Current.Config.Expose;
        var source = new CatalogSource(cell, catalog, new ExposeRules(options), options) { IsSilent = cell.Current.State == ServerState.Disabled };
        _sources[cell] = source;
        var snapshot = CatalogBuilder.BuildIdentity(source);
        var changes = CatalogComparison.Succeed(cell.Offered, snapshot);
        cell.Offered = snapshot;
        if (changes != CatalogChanges.None)
        {
            _fleet.Announce(cell, changes);
        }
    }

    /// <summary>Brings the sources in line with the fleet and publishes the aggregate when one of them has changed.</summary>
    private void Publish()
    {
        var offered = new List<CatalogSource>();
        foreach (var cell in _fleet.Current.InOrder)
        {
            var snapshot = cell.Current;
            if (!_sources.TryGetValue(cell, out var source))
            {
                Offer(cell, snapshot.Catalog);
            }
            else if (!ReferenceEquals(source.Options, snapshot.Config.Expose) || source.IsSilent != (snapshot.State == ServerState.Disabled))
            {
                Offer(cell, source.Catalog);
            }

            if (snapshot.State is not (ServerState.Disabled or ServerState.Stopped))
            {
                offered.Add(_sources[cell]);
            }
        }

        DropStrangers();
        if (_isBuilt && offered.SequenceEqual(_offered))
        {
            return;
        }

        var notes = new List<string>();
        var aggregate = CatalogBuilder.BuildAggregate(offered, _naming, notes);
        var profiles = _fleet.Profiles.Values.Select(profile => (Profile: profile, Snapshot: CatalogBuilder.BuildProfile(profile, aggregate, offered, notes))).ToArray();
        _offered = [.. offered];
        _isBuilt = true;
        foreach (var note in notes.Except(_notes))
        {
            LogNote(_logger, note);
        }

        _notes = notes;
        var told = new List<(ProfileEndpoint Profile, CatalogChanges Changes)>();
        foreach (var (profile, snapshot) in profiles)
        {
            told.Add((profile, CatalogComparison.Succeed(profile.Offered, snapshot)));
            profile.Offered = snapshot;
        }

        _fleet.PublishAggregate(aggregate, CatalogComparison.Succeed(_fleet.Aggregate, aggregate));
        foreach (var (profile, changes) in told)
        {
            if (changes != CatalogChanges.None)
            {
                _fleet.Announce(profile, changes);
            }
        }
    }

    /// <summary>Forgets servers that are not in the fleet: they left it, or a last answer came after they had.</summary>
    private void DropStrangers()
    {
        var fleet = _fleet.Current.InOrder;
        if (_sources.Count == fleet.Length)
        {
            return;
        }

        var members = fleet.ToHashSet();
        foreach (var stranger in _sources.Keys.Where(cell => !members.Contains(cell)).ToArray())
        {
            _sources.Remove(stranger);
        }
    }

    [LoggerMessage(EventIds.CatalogEntryNotOffered, LogLevel.Warning, "{Note}")]
    private static partial void LogNote(ILogger logger, string note);

    [LoggerMessage(EventIds.CatalogFault, LogLevel.Error, "The lists could not be built. This is a fault of Fairlead; the lists stay as they were.")]
    private static partial void LogFault(ILogger logger, Exception exception);

    /// <summary>New lists of a server, or without them: look at the fleet again.</summary>
    private sealed record Message(ServerCell? Cell, ServerCatalog? Catalog)
    {
        public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
