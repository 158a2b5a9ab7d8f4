using Fairlead.Configuration;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>What asking a server for its lists brought.</summary>
/// <param name="Catalog">The definitions; where asking failed, those known before.</param>
/// <param name="Notes">What was odd, cut or dropped, in sentences without the server's name; empty when nothing was.</param>
/// <param name="IsComplete">False when a list could not be read (connection lost, time-out, an error of the server's own): worth another try.</param>
internal sealed record CatalogReading(ServerCatalog Catalog, IReadOnlyList<string> Notes, bool IsComplete);

/// <summary>Asks a server for its lists, page by page, and keeps the definitions as bytes.</summary>
/// <remarks>
/// Only lists whose capability is declared are asked for. A server that declares a list and does not know the method has an empty list (protocol.md 6.1). Nothing a server sends makes it throw; all bounds come from <see cref="LimitsOptions"/>.
/// </remarks>
internal sealed class ServerCatalogReader
{
    private const int MethodNotFound = -32601;

    private readonly LimitsOptions _limits;
    private readonly bool _isHttp;
    private readonly TimeSpan _timeout;

    /// <summary>Prepares to ask servers of one kind.</summary>
    /// <param name="limits">listPagesMax, toolsPerServerMax (which bounds each list) and listBytesMax (all lists together).</param>
    /// <param name="transport">How the server is reached: over Streamable HTTP a modern server's tools with a bad <c>x-mcp-header</c> are dropped.</param>
    /// <param name="timeout">Longest wait for one page.</param>
    public ServerCatalogReader(LimitsOptions limits, ServerTransport transport, TimeSpan timeout)
    {
        _limits = limits;
        _isHttp = transport == ServerTransport.Http;
        _timeout = timeout;
    }

    /// <summary>Asks for lists.</summary>
    /// <param name="connection">A connection whose handshake has ended.</param>
    /// <param name="known">What was known before: kept for lists that are not asked for or could not be had.</param>
    /// <param name="which">The lists to ask for; <see cref="CatalogChanges.None"/> asks for all.</param>
    /// <param name="cancellationToken">Gives up with an exception.</param>
    public async Task<CatalogReading> ReadAsync(UpstreamConnection connection, ServerCatalog known, CatalogChanges which, CancellationToken cancellationToken)
    {
        var identity = connection.Identity;
        var notes = new NoteList();
        which = which == CatalogChanges.None ? CatalogChanges.Tools | CatalogChanges.Prompts | CatalogChanges.Resources : which;

        // 1. Ask for the lists side by side: on a slow line four waits cost as much as one.
        var tools = ListAsync(ListKind.Tools, "tools"u8);
        var prompts = ListAsync(ListKind.Prompts, "prompts"u8);
        var resources = ListAsync(ListKind.Resources, "resources"u8);
        var templates = ListAsync(ListKind.ResourceTemplates, "resources"u8);
        ListReading[] lists = [await tools.ConfigureAwait(false), await prompts.ConfigureAwait(false), await resources.ConfigureAwait(false), await templates.ConfigureAwait(false)];

        // 2. Fit them into the byte bound in this order, whatever order they came in: tools are worth most.
        long room = _limits.ListBytesMax;
        for (var kind = ListKind.Tools; kind <= ListKind.ResourceTemplates; kind++)
        {
            lists[(int)kind] = Fit(lists[(int)kind], kind, ref room, notes);
        }

        var catalog = new ServerCatalog(lists[0].Entries, lists[1].Entries, lists[2].Entries, lists[3].Entries, identity) { Hints = Array.ConvertAll(lists, list => list.Hint) };
        return new CatalogReading(catalog, notes.Sentences, Array.TrueForAll(lists, list => list.IsComplete));

        Task<ListReading> ListAsync(ListKind kind, ReadOnlySpan<byte> capability)
        {
            if (!JsonMembers.TryFind(identity.Capabilities, new ByteRange(0, identity.Capabilities.Length), capability, out _))
            {
                return Task.FromResult(new ListReading([], default, true));
            }

            var before = new ListReading(CatalogFile.ListOf(known, kind), known.Hints[(int)kind], true);
            return (which & ListAudiences.ChangeOf(kind)) == 0 ? Task.FromResult(before) : ReadListAsync(connection, kind, before, notes, cancellationToken);
        }
    }

    private static McpMethod MethodOf(ListKind kind) => kind switch
    {
        ListKind.Tools => McpMethod.ToolsList,
        ListKind.Prompts => McpMethod.PromptsList,
        ListKind.Resources => McpMethod.ResourcesList,
        _ => McpMethod.ResourcesTemplatesList,
    };

    private static string NameOf(ListKind kind) => kind switch
    {
        ListKind.Tools => "tools/list",
        ListKind.Prompts => "prompts/list",
        ListKind.Resources => "resources/list",
        _ => "resources/templates/list",
    };

    private async Task<ListReading> ReadListAsync(UpstreamConnection connection, ListKind kind, ListReading before, NoteList notes, CancellationToken cancellationToken)
    {
        // Only a modern server behind Streamable HTTP reads the headers; to all others the annotation is a word without meaning.
        var gathering = new ListGathering(kind, _limits, _isHttp && connection.Identity.IsModern, text => notes.Add($"{NameOf(kind)}: {text}."));
        byte[] members = [];
        CacheHint? hint = null;
        for (var page = 0; ; page++)
        {
            if (page == _limits.ListPagesMax)
            {
                notes.Add($"{NameOf(kind)}: it has more pages than listPagesMax ({_limits.ListPagesMax}); the rest was left out. Raise the limit if they are wanted.");
                break;
            }

            var answer = await ControlRequest.SendAsync(connection, MethodOf(kind), members, connection.Identity.IsModern, _timeout, cancellationToken).ConfigureAwait(false);
            if (!answer.IsResult)
            {
                return Failed(answer, kind, page, gathering, before, notes);
            }

            var ofPage = CacheHint.Read(answer.Envelope.TtlMs.Of(answer.Bytes), answer.Envelope.CacheScope.Of(answer.Bytes));
            hint = hint is { } ofOthers ? ofOthers.With(ofPage) : ofPage;

            if (!gathering.Add(answer.Bytes, answer.Envelope.Result, out var cursor))
            {
                break;
            }

            members = [.. "\"cursor\":"u8, .. cursor];
        }

        // A legacy server knows nothing of hints: members of these names would mean something else.
        return new ListReading(gathering.ToArray(), connection.Identity.IsModern ? hint ?? default : default, true);
    }

    private static ListReading Failed(ControlAnswer answer, ListKind kind, int page, ListGathering gathering, ListReading before, NoteList notes)
    {
        if (answer.Error != ForwardError.None)
        {
            notes.Add($"{NameOf(kind)}: {answer.Describe()}; what was known before is kept.");
            return before with { IsComplete = false };
        }

        // Some declare a list and do not know its method (protocol.md 6.1). Any other error may be gone tomorrow.
        if (page == 0 && answer.Envelope.ErrorCode != MethodNotFound)
        {
            notes.Add($"{NameOf(kind)}: {answer.Describe()}{Handshake.ErrorText(answer)}; what was known before is kept.");
            return before with { IsComplete = false };
        }

        // A refused later page says nothing against the entries that came.
        notes.Add(page == 0
            ? $"{NameOf(kind)}: {answer.Describe()} although the server declares the list; the list is taken as empty."
            : $"{NameOf(kind)}: {answer.Describe()} for page {page + 1}; the rest was left out.");
        return new ListReading(gathering.ToArray(), default, true);
    }

    private ListReading Fit(ListReading list, ListKind kind, ref long room, NoteList notes)
    {
        for (var i = 0; i < list.Entries.Length; i++)
        {
            room -= list.Entries[i].Raw.Length;
            if (room < 0)
            {
                notes.Add($"{NameOf(kind)}: the server's definitions take more than listBytesMax ({_limits.ListBytesMax} bytes) in all; "
                    + $"{list.Entries.Length - i} entries were left out. Raise the limit if they are wanted.");
                room = 0;
                return list with { Entries = list.Entries[..i] };
            }
        }

        return list;
    }

    private sealed record ListReading(CatalogEntry[] Entries, CacheHint Hint, bool IsComplete);

    /// <summary>Notes of several lists that are read at the same time.</summary>
    private sealed class NoteList
    {
        // A server with thousands of bad entries must not fill the log.
        private const int SentencesMax = 50;

        private readonly Lock _lock = new();
        private readonly List<string> _sentences = [];
        private int _left;

        public IReadOnlyList<string> Sentences
        {
            get
            {
                lock (_lock)
                {
                    return _left == 0 ? [.. _sentences] : [.. _sentences, $"There are {_left} more notes of this kind."];
                }
            }
        }

        public void Add(string sentence)
        {
            lock (_lock)
            {
                if (_sentences.Count < SentencesMax)
                {
                    _sentences.Add(sentence);
                }
                else
                {
                    _left++;
                }
            }
        }
    }
}
