using System.Security.Cryptography;
using System.Text;
using Fairlead.AspNetCore.Auth;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Auth;

public sealed class DashboardSessionsTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly DashboardSessions _sessions;

    public DashboardSessionsTests() => _sessions = new DashboardSessions(_clock);

    [Fact]
    public void Code_WhenItIsExchanged_GivesATokenOnce()
    {
        var (code, codeEnds) = _sessions.IssueCode();
        var (token, tokenEnds) = Assert.NotNull(_sessions.Exchange(code));

        Assert.Equal((64, 64), (code.Length, token.Length));
        Assert.Equal((_clock.GetUtcNow() + DashboardSessions.CodeLifetime, _clock.GetUtcNow() + DashboardSessions.TokenLifetime), (codeEnds, tokenEnds));
        Assert.True(Accepts(token));
        Assert.False(Accepts(code));
        Assert.Null(_sessions.Exchange(code));
        Assert.Null(_sessions.Exchange(token));
        Assert.Null(_sessions.Exchange(""));
    }

    [Fact]
    public void CodeAndToken_WhenTheirTimeIsOver_AreNoGood()
    {
        var (late, _) = _sessions.IssueCode();
        var (code, _) = _sessions.IssueCode();
        var (token, _) = Assert.NotNull(_sessions.Exchange(code));

        _clock.Advance(DashboardSessions.CodeLifetime);
        Assert.Null(_sessions.Exchange(late));
        Assert.True(Accepts(token));
        _clock.Advance(DashboardSessions.TokenLifetime - DashboardSessions.CodeLifetime);
        Assert.False(Accepts(token));
    }

    [Fact]
    public void Token_WhenItIsEnded_IsNoGoodAndNoneElseIsTouched()
    {
        var (one, other) = (Assert.NotNull(_sessions.Exchange(_sessions.IssueCode().Code)).Token, Assert.NotNull(_sessions.Exchange(_sessions.IssueCode().Code)).Token);

        Assert.True(_sessions.End(one));

        Assert.Equal((false, true), (Accepts(one), Accepts(other)));
        Assert.False(_sessions.End(one));
    }

    [Fact]
    public void Codes_WhenTooManyWait_TheOldestGivesWay()
    {
        var codes = Enumerable.Range(0, DashboardSessions.CodesMax + 1).Select(_ => _sessions.IssueCode().Code).ToArray();

        Assert.Equal(codes.Skip(1), codes.Where(code => _sessions.Exchange(code) is not null));
    }

    [Fact]
    public void Tokens_WhenTooManyAreGood_TheOldestGivesWay()
    {
        var tokens = Enumerable.Range(0, DashboardSessions.TokensMax + 1).Select(_ => Assert.NotNull(_sessions.Exchange(_sessions.IssueCode().Code)).Token).ToArray();

        Assert.Equal(tokens.Skip(1), tokens.Where(Accepts));
    }

    private bool Accepts(string token) => _sessions.Accepts(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
