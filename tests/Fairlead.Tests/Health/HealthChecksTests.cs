using System.Net;
using System.Net.Sockets;
using Fairlead.Configuration;
using Fairlead.Health;
using Fairlead.Processes;
using Fairlead.Security;
using Fairlead.TestKit;
using Fairlead.Tests.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Health;

/// <summary>Every kind of check against the real thing: a web server, a socket, a program, a file. The protocol's own is in <see cref="HealthMonitorTests"/>.</summary>
public sealed class HealthChecksTests : IAsyncLifetime, IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly ProcessSupervisor _processes = new(NullLogger.Instance, TimeProvider.System);
    private readonly SecretRedactor _redactor = new();
    private readonly HealthChecks _checks;

    public HealthChecksTests() => _checks = new HealthChecks(_processes, _redactor, _clock);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _processes.DisposeAsync();

    public void Dispose() => _checks.Dispose();

    private Task<HealthFinding> RunAsync(HealthCheckOptions options, Action<ServerConfig>? change = null)
    {
        var config = new ServerConfig { Name = "s", Command = "nothing", HealthCheck = options };
        change?.Invoke(config);
        Assert.Empty(ServerConfigRules.Normalise(config));
        var check = Assert.Single(_checks.Make(config, null!, null, CancellationToken.None));
        return Guard.WithinAsync(check.RunAsync(CancellationToken.None), $"a check of the kind {check.Kind}");
    }

    private static async Task<(WebApplication App, string Url)> WebAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Map("/ok", static () => "{\"status\":\"UP\"}");
        app.Map("/down", static context =>
        {
            context.Response.StatusCode = 503;
            return context.Response.WriteAsync("{\"status\":\"UP\"}");
        });
        app.Map("/moved", static context =>
        {
            context.Response.Redirect("/ok");
            return Task.CompletedTask;
        });
        await app.StartAsync();
        return (app, app.Urls.Single());
    }

    [Theory]
    [InlineData("/ok", 200, null, null)]
    [InlineData("/ok", 200, "\"UP\"", null)]
    [InlineData("/down", 503, "UP", null)]
    [InlineData("/ok", 200, "DOWN", "answered 200, but without \"DOWN\" in its body (healthCheck.body)")]
    [InlineData("/down", 200, null, "answered 503 instead of 200 (healthCheck.status)")]
    [InlineData("/moved", 200, null, "answered 302 instead of 200")]
    [InlineData("/nothing?key=abcdefgh", 200, null, "answered 404 instead of 200")]
    public async Task Http_WhenAsked_StatusAndBodyDecide(string path, int status, string? body, string? reason)
    {
        var (app, url) = await WebAsync();
        await using (app)
        {
            var finding = await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.Http, Url = new Uri(url + path), Status = status, Body = body });
            Assert.Equal(reason is null, finding.IsGood);
            Assert.Contains(reason ?? "", finding.Reason ?? "", StringComparison.Ordinal);
            Assert.DoesNotContain("abcdefgh", finding.Reason ?? "", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Http_WhenNothingListens_SaysSo()
    {
        var finding = await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.Http, Url = new Uri($"http://127.0.0.1:{LoopbackListener.FreePort()}/health") });
        Assert.False(finding.IsGood);
        Assert.Contains("cannot be asked: Connection refused", finding.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_WhenItTakesTheConnectionAndSaysNothing_EndsAtTheLimit()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var options = new HealthCheckOptions { Kind = HealthCheckKind.Http, Url = new Uri($"http://{listener.LocalEndpoint}/health"), TimeoutMs = 2_000 };
        var run = RunAsync(options);
        using var client = await Guard.WithinAsync(listener.AcceptTcpClientAsync(), "the connection of the check");
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(HealthFinding.Bad($"http://{listener.LocalEndpoint}/health did not answer within 2000 ms (healthCheck.timeoutMs)"), await run);
    }

    [Fact]
    public async Task Tcp_WhenThePortIsOpenOrClosed_TellsWhich()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var options = new HealthCheckOptions { Kind = HealthCheckKind.Tcp, Url = new Uri($"tcp://{listener.LocalEndpoint}") };
        Assert.Equal(HealthFinding.Good, await RunAsync(options));

        var place = listener.LocalEndpoint.ToString();
        listener.Stop();
        var closed = await RunAsync(options);
        Assert.False(closed.IsGood);
        Assert.Contains($"no connection to {place}", closed.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 0", null)]
    [InlineData("head -c 1000000 /dev/zero", null)]
    [InlineData("cat", null)]
    [InlineData("exit 7", "sh exited with code 7")]
    [InlineData("echo first >&2; echo the disk of s3cret-value is full >&2; exit 3", "sh exited with code 3: the disk of REDACTED is full")]
    [InlineData("kill -9 $$", "sh was ended by SIGKILL")]
    public async Task Command_WhenItHasEnded_ItsExitCodeDecides(string script, string? reason)
    {
        _redactor.Add(["s3cret-value"]);
        var finding = await RunAsync(Shell(script));
        Assert.Equal(reason is null ? HealthFinding.Good : HealthFinding.Bad(reason), finding);
    }

    [Fact]
    public async Task Command_WhenItRuns_HasTheServersVariablesAndFolderAndNoOthersOfThisProcess()
    {
        using var folder = new TempFolder();
        Environment.SetEnvironmentVariable("FAIRLEAD_TEST_OF_HEALTH", "1");
        var finding = await RunAsync(Shell($"test -z \"$FAIRLEAD_TEST_OF_HEALTH\" && test \"$OWN\" = yes && test \"$(pwd -P)\" = \"$(cd '{folder.Path}'; pwd -P)\""), config =>
        {
            config.Environment["OWN"] = "yes";
            config.WorkingDirectory = folder.Path;
        });
        Assert.Equal(HealthFinding.Good, finding);
    }

    [Fact]
    public async Task Command_WhenArgumentsHoldShellCharacters_NoShellReadsThem()
    {
        var finding = await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.Command, Command = "test", Arguments = ["$(echo x)", "=", "x"] });
        Assert.Equal(HealthFinding.Bad("test exited with code 1"), finding);
    }

    [Fact]
    public async Task Command_WhenThereIsNone_SaysHowToMendIt()
    {
        var finding = await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.Command, Command = "no-such-program-anywhere" });
        Assert.False(finding.IsGood);
        Assert.Contains("no-such-program-anywhere", finding.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_WhenItDoesNotEnd_ItIsKilledAtTheLimitWithWhatItStarted()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var run = RunAsync(Shell($"(exec 3<>/dev/tcp/127.0.0.1/{((IPEndPoint)listener.LocalEndpoint).Port}; exec sleep 1000) & sleep 1000", "bash"));
        using var client = await Guard.WithinAsync(listener.AcceptTcpClientAsync(), "the program to run");
        var marker = $"{ChildEnvironment.MarkerName}={_processes.Instance}.";
        Assert.NotEmpty(ProcessTable.Marked(marker));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(HealthFinding.Bad("bash did not end within 5000 ms (healthCheck.timeoutMs)"), await run);
        await ProcessTable.WhenNoneMarkedAsync(marker);
    }

    [Fact]
    public async Task File_WhenItExistsOrNot_TellsWhich()
    {
        using var folder = new TempFolder();
        var file = folder.Write("alive", "");
        Assert.Equal(HealthFinding.Good, await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.File, Path = file }));
        Assert.Equal(HealthFinding.Good, await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.File, Path = "alive" }, config => config.WorkingDirectory = folder.Path));
        File.Delete(file);
        Assert.Equal(
            HealthFinding.Bad($"{file} does not exist, or may not be seen (healthCheck.path)"), await RunAsync(new HealthCheckOptions { Kind = HealthCheckKind.File, Path = file }));
    }

    [Fact]
    public void None_MakesNoCheck() =>
        Assert.Empty(_checks.Make(new ServerConfig { Name = "s", HealthCheck = { Kind = HealthCheckKind.None } }, null!, null, CancellationToken.None));

    private static HealthCheckOptions Shell(string script, string shell = "sh") => new() { Kind = HealthCheckKind.Command, Command = shell, Arguments = ["-c", script] };
}
