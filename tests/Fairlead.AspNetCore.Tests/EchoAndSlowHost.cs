namespace Fairlead.AspNetCore.Tests;

/// <summary>One host for all tests of a class: the servers <c>echo</c> and <c>slow</c>.</summary>
public sealed class EchoAndSlowHost : IAsyncLifetime
{
    internal FrontHost Host { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var options = Echo.Options("echo");
        options.Servers.Add(Echo.Misbehaving("slow", "slow"));
        Host = await FrontHost.StartAsync(options);
    }

    public Task DisposeAsync() => Host.DisposeAsync().AsTask();
}
