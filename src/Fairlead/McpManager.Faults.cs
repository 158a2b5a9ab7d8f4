namespace Fairlead;

/// <content>Faults on purpose, for drills and tests (product D11). Off unless <c>faultInjection.enabled</c> is set; nothing of them outlives this manager.</content>
public sealed partial class McpManager
{
    /// <summary>Injects a fault into a server. It ends by itself.</summary>
    /// <param name="id">The server.</param>
    /// <param name="request">What is done, to which calls and for how long.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The fault. Disconnect and crash have happened and ended when this returns; how many calls were open then is in it.</returns>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="ToolNotFound">The server is known to have other tools, and not this one.</exception>
    /// <exception cref="InvalidConfiguration">A parameter breaks a rule; the message names it.</exception>
    /// <exception cref="FaultRefused">Fault injection is off, too many faults are active, or the server has nothing that this could be done to.</exception>
    public Task<FaultInfo> InjectFaultAsync(string id, FaultRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(request);
        return ChangeAsync("fault inject", id, null, () => Task.FromResult(_faults.Inject(id, request)), cancellationToken);
    }

    /// <summary>The faults that are active, and the last 100 that have ended.</summary>
    public Task<FaultList> ListFaultsAsync(CancellationToken cancellationToken = default) => CommandAsync(() => Task.FromResult(_faults.List()), cancellationToken);

    /// <summary>Ends a fault before its time.</summary>
    /// <param name="faultId">Its id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The fault as it ended.</returns>
    /// <exception cref="FaultNotFound">None of this id is active.</exception>
    public Task<FaultInfo> EndFaultAsync(string faultId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(faultId);
        return ChangeAsync("fault clear", null, faultId, () => Task.FromResult(_faults.End(faultId, "it was ended by hand")), cancellationToken);
    }

    /// <summary>Ends all faults before their time.</summary>
    /// <returns>Those that were active.</returns>
    public Task<IReadOnlyList<FaultInfo>> EndAllFaultsAsync(CancellationToken cancellationToken = default) =>
        ChangeAsync("fault clear", null, null, () => Task.FromResult(_faults.EndAll("it was ended by hand")), cancellationToken);

    private IReadOnlyList<ServerInfo> WithFaults(IReadOnlyList<ServerInfo> servers, IReadOnlyDictionary<string, string> versions) =>
        [.. servers.Select(server => server with { Faults = _faults.ActiveOf(server.Id), ConfigurationVersion = versions.GetValueOrDefault(server.Id) })];
}
