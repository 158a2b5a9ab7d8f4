using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Fairlead.AspNetCore;
using Fairlead.Cli;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Commands to an instance of another name over https, with a certificate that only its user knows: a real Kestrel with TLS, the real program.</summary>
public sealed class HttpsInstanceTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef";

    private readonly TempFolder _folder = new();

    // A name that is no word for loopback, so that what counts for other machines counts.
    private readonly string _host = Dns.GetHostName().ToLowerInvariant();
    private readonly int _port = LoopbackListener.FreePort();
    private readonly X509Certificate2 _certificate;
    private readonly McpManager _manager;
    private readonly WebApplication _app;
    private string? _tokenSeen;
    private int _requests;

    public HttpsInstanceTests()
    {
        _certificate = Certificate(_host);
        var options = new FairleadOptions { PublicUrl = new Uri(Url) };
        options.Servers.Add(new ServerConfig { Name = "echo", Command = "dotnet", Args = { RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll") }, Disabled = true });
        _manager = new McpManager(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(_port, listen => listen.UseHttps(_certificate)));
        builder.Services.AddFairlead(_manager, Token);
        _app = builder.Build();
        _app.Use((context, next) =>
        {
            Interlocked.Increment(ref _requests);
            _tokenSeen = context.Request.Headers.Authorization;
            return next(context);
        });
        _app.MapFairlead();
    }

    private string Url => $"https://{_host}:{_port}";

    public async Task InitializeAsync()
    {
        await _manager.InitializeAsync();
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _manager.DisposeAsync();
        _certificate.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Commands_WhenTheCertificateIsOfTheUsersOwn_SteerTheInstanceOnceItIsTrusted()
    {
        Assert.False(new Uri(Url).IsLoopback);
        var trusted = _folder.Write("ca.pem", _certificate.ExportCertificatePem());

        var refused = (await RunAsync(null, Url, "enable", "echo")).Ended(ExitCodes.NotRunning);
        Assert.Contains($"the certificate of {Url} is not trusted", refused.Output, StringComparison.Ordinal);
        Assert.Contains("SSL_CERT_FILE", refused.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, refused.Output, StringComparison.Ordinal);

        // It is for its name alone.
        var elsewhere = (await RunAsync(trusted, $"https://127.0.0.1:{_port}", "enable", "echo")).Ended(ExitCodes.NotRunning);
        Assert.Contains($"the certificate of https://127.0.0.1:{_port} is not trusted", elsewhere.Output, StringComparison.Ordinal);
        Assert.Equal((0, null), (Volatile.Read(ref _requests), _tokenSeen));

        Assert.Contains("echo is Initializing", (await RunAsync(trusted, Url, "enable", "echo")).Ended(ExitCodes.Ok).Output, StringComparison.Ordinal);
        Assert.Equal($"Bearer {Token}", _tokenSeen);
        Assert.NotEqual(ServerState.Disabled, _manager.Fleet.Current.InOrder[0].Current.State);
        Assert.Contains("echo", (await RunAsync(trusted, Url, "ps")).Ended(ExitCodes.Ok).Output, StringComparison.Ordinal);
        Assert.Null(_tokenSeen);
    }

    private static X509Certificate2 Certificate(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private Task<CliRun> RunAsync(string? trusted, string url, params string[] arguments) => CliRun.OfAsync(
        new Dictionary<string, string> { [InstanceOptions.TokenVariable] = Token, ["SSL_CERT_FILE"] = trusted ?? "" }, [.. arguments, "--state", _folder.At("none"), "--url", url]);
}
