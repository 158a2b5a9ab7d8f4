namespace Fairlead.Cli.Running;

/// <summary>How the runtime of a gateway waits for its sockets and for the pipes of its children.</summary>
internal static class SocketThreads
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>
    /// Lets what a socket or pipe was waited for go on on the thread that waited, instead of waking one of the pool for it: a wake-up less for each request and each answer, and far less to do beside servers that
    /// write all the time. To be called before the first socket. Whoever set the variable otherwise keeps it so; no child inherits it.
    /// </summary>
    /// <remarks>Nothing may block there: what answers on the spot, reads long or does more than pass bytes on moves to the pool first (<see cref="Fairlead.Threads.PoolThread"/>).</remarks>
    public static void RunInline()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
    }
}
