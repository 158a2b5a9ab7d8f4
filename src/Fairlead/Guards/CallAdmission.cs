namespace Fairlead.Guards;

/// <summary>What a call holds of its server's guards, from when it is let in to its end. A mutable part of the call: never copied.</summary>
/// <remarks>Written by whoever opens the call, then by the winner of its slot. Only the permit may be given back by several, and goes back once.</remarks>
internal struct CallAdmission
{
    private ServerGuards? _server;
    private InstanceGuard? _instance;
    private ToolGuard? _tool;

    // Where the permit is from; stays when it has been given back, since one may be taken again at the very end of the call.
    private Bulkhead? _bulkhead;
    private long _since;
    private int _hasPermit;
    private bool _probesInstance;
    private bool _probesTool;

    /// <summary>The call has been let in by rates and the tool's circuit.</summary>
    public void Begin(ServerGuards server, ToolGuard? tool, bool isProbe)
    {
        _server = server;
        _tool = tool;
        _probesTool = isProbe;
    }

    /// <summary>Asks the circuit of an instance.</summary>
    /// <returns>False when it is open.</returns>
    public bool TryEnter(ServerGuards server, InstanceGuard instance, long now)
    {
        if (!instance.Breaker.TryPass(now, out _probesInstance))
        {
            return false;
        }

        _server = server;
        _instance = instance;
        _since = now;
        instance.Enter();
        return true;
    }

    /// <summary>The call goes to another instance: nothing was learned of this one.</summary>
    public void LeaveInstance()
    {
        if (_instance is { } instance)
        {
            instance.Breaker.Record(CallOutcome.Neutral, _probesInstance, _since);
            instance.Leave(-1);
            _instance = null;
        }

        LeaveBulkhead();
    }

    /// <summary>Takes a permit of the bulkhead, when one is free.</summary>
    public bool TryTakePermit() => _server!.Bulkhead.TryEnter() && TakePermit();

    /// <summary>The bulkhead has given a permit.</summary>
    public bool TakePermit()
    {
        _bulkhead = _server!.Bulkhead;
        Volatile.Write(ref _hasPermit, 1);
        return true;
    }

    /// <summary>Gives the permit back before the end of the call: nobody works on it.</summary>
    public void LeaveBulkhead()
    {
        if (Volatile.Read(ref _hasPermit) != 0 && Interlocked.Exchange(ref _hasPermit, 0) != 0)
        {
            _bulkhead!.Leave();
        }
    }

    /// <summary>Takes the permit again that was given back, whatever the bound: the call was let in once. Whoever does this looks afterwards whether the call has ended, and leaves then.</summary>
    public void ReenterBulkhead()
    {
        if (_bulkhead is { } bulkhead && Interlocked.Exchange(ref _hasPermit, 1) == 0)
        {
            bulkhead.Reenter();
        }
    }

    /// <summary>The call has ended, or this try of it. Nothing happens when it holds nothing.</summary>
    /// <param name="outcome">How, as far as the instance is concerned.</param>
    /// <param name="lostConnection">Whether the connection was lost under the call: that says nothing of its tool.</param>
    public void Settle(CallOutcome outcome, bool lostConnection)
    {
        if (_server is not { } server)
        {
            return;
        }

        var now = server.Time.GetTimestamp();
        _tool?.Breaker.Record(lostConnection ? CallOutcome.Neutral : outcome == CallOutcome.ConnectionFailed ? CallOutcome.Failed : outcome, _probesTool, now);
        if (_instance is { } instance)
        {
            var micros = (long)server.Time.GetElapsedTime(_since, now).TotalMicroseconds;
            instance.Record(outcome, _probesInstance, now, micros);
            instance.Leave(outcome == CallOutcome.Neutral ? -1 : micros);
        }

        LeaveBulkhead();
        _server = null;
        _instance = null;
        _tool = null;
    }
}
